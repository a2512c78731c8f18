/**
 * Somebody edits the kernel's ipvs table by hand: a live real server goes, or a foreign one comes. kube-proxy puts it right
 * at its next full sync, which must not be an hour away (kubernetes#134147). Any change of a Service or an endpoint makes
 * it sync too, and hides the fault: the API has to be quiet meanwhile.
 */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';
import type { Command } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import { NAMESPACE } from '../../core/names.ts';
import { readIpVs } from '../ipvs.ts';
import { clusterAddress } from '../service-address.ts';
import type { Fault, FaultTarget, Felt } from './fault.ts';
import { nodeParam } from './node-param.ts';
import { nodeProgram } from './node-program.ts';

const params = z.strictObject({
  node: nodeParam,
  action: z.enum(['delete', 'add']).describe('a live real server goes, or a foreign one comes'),
  service: z.string().min(1).default('echo'),
  port: z.int().min(1).max(65_535).default(80),
  for: positiveDurationSchema.optional(),
});
type Params = z.infer<typeof params>;

const UNDO_MS = 15_000;
/** Of a range that is kept for documentation: nobody's backend. */
const FOREIGN = '192.0.2.9';

/** Says whether a real server is behind a virtual one with a weight; both as the kernel writes them. */
const PRESENT = `
const [service, server] = process.argv.slice(1);
let inside = false;
let present = false;
for (const line of require('node:fs').readFileSync('/proc/net/ip_vs', 'latin1').split('\\n')) {
  const words = line.trim().split(/ +/);
  if (!line.startsWith(' ')) inside = words.slice(0, 2).join(' ') === service;
  else if (inside && words[1] === server && Number(words[3]) > 0) present = true;
}
console.log(present ? 'present' : 'absent');
`;

/** Both ends of one entry, as ipvsadm takes them. */
interface Entry {
  virtual: string;
  real: string;
  weight: number;
}

export const editIpvs: Fault<Params> = {
  name: 'edit-ipvs',
  params,
  prepare: async (wanted, target) => {
    const entry = await entryOf(wanted, target);
    const ask = nodeProgram(PRESENT, `TCP ${kernelWord(entry.virtual)}`, kernelWord(entry.real));
    const removes = wanted.action === 'delete';
    const before = removes ? 'present' : 'absent';
    let seen: Felt | undefined;
    return {
      where: 'node',
      inject: [removes ? removal(entry) : addition(entry)],
      undo: {
        // Where kube-proxy was quicker, this has nothing to do and fails.
        undo: [removes ? addition(entry) : removal(entry)],
        restore: [],
        verify: { command: ask, exitCode: 0, stdout: before },
        timeoutMs: UNDO_MS,
      },
      felt: async () => {
        // kube-proxy is to repair it: that it took effect once is what counts.
        if (seen !== undefined) return seen;
        const now = (await isPresent(target, entry)) ? 'present' : 'absent';
        const evidence = `${entry.real} behind ${entry.virtual} was ${now} right after the edit (${before} before)`;
        const felt = now !== before;
        if (felt) seen = { felt, evidence };
        return { felt, evidence };
      },
    };
  },
};

async function entryOf({ action, service, port }: Params, target: FaultTarget): Promise<Entry> {
  const { kube, agent, node } = target;
  const address = await clusterAddress(kube, { name: service, namespace: NAMESPACE });
  const found = (await readIpVs(agent)).find(
    (one) => one.protocol === 'TCP' && one.address === address && one.port === port,
  );
  const live = found?.realServers.findLast(({ weight }) => weight > 0);
  if (live === undefined) {
    const what = `${service} (${address}:${port})`;
    throw new CoalmineError('inject', `ipvs on ${node.name} has no live real server of ${what}`);
  }
  const virtual = `${address}:${port}`;
  if (action === 'add') return { virtual, real: `${FOREIGN}:${live.port}`, weight: 1 };
  return { virtual, real: `${live.address}:${live.port}`, weight: live.weight };
}

/** By `cat`, which a busy node has time for: kube-proxy must not be quicker than the question. */
async function isPresent({ agent }: FaultTarget, { virtual, real }: Entry): Promise<boolean> {
  const servers = (await readIpVs(agent)).filter(
    ({ protocol, address, port }) => protocol === 'TCP' && `${address}:${port}` === virtual,
  );
  return servers.some(({ realServers }) =>
    realServers.some(({ address, port, weight }) => weight > 0 && `${address}:${port}` === real),
  );
}

/** Masquerading, as kube-proxy forwards. */
function addition({ virtual, real, weight }: Entry): Command {
  const how = ['-m', '-w', String(weight)];
  return { argv: ['ipvsadm', '-a', '-t', virtual, '-r', real, ...how] };
}

function removal({ virtual, real }: Entry): Command {
  return { argv: ['ipvsadm', '-d', '-t', virtual, '-r', real] };
}

/** `10.96.0.10:80` as the kernel writes it: `0A60000A:0050`. */
function kernelWord(hostAndPort: string): string {
  const [host = '', port] = hostAndPort.split(':');
  const hex = (value: string, width: number): string =>
    Number(value).toString(16).toUpperCase().padStart(width, '0');
  const bytes = host.split('.').map((byte) => hex(byte, 2));
  return `${bytes.join('')}:${hex(port ?? '', 4)}`;
}
