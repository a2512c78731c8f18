/**
 * Takes a NIC out of the machine under a node and puts it back, as clouds do around a freeze (seed 000): same MAC, same
 * network behind it, but a new device in the guest, with new interrupts that somebody has to spread over the CPUs again.
 * The guest has then forgotten its address; restoring that is a part of the undo.
 */
import { z } from 'zod';
import { durationSchema } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { MachineNic, NodeAgent } from '../../core/node.ts';
import type { Fault } from './fault.ts';
import { nodeParam } from './node-param.ts';
import { nodeProgram } from './node-program.ts';

const params = z.strictObject({
  node: nodeParam,
  nic: z
    .string()
    .regex(/^eth[1-9]\d*$/, { error: 'a NIC under test: eth1, eth2 …' })
    .default('eth1'),
  for: durationSchema.describe('how long it stays away'),
});

/** The guest's driver must let go of it, which takes seconds where its CPUs are busy. */
const UNDO_MS = 30_000;
const ASK_MS = 10_000;

/** What the guest has under this name: null, or its index (a new device gets a new one), state, addresses, interrupts. */
const LOOK = `
const { readFileSync, readlinkSync } = require('node:fs');
const { networkInterfaces } = require('node:os');
const nic = process.argv[1];
const of = (file) => readFileSync('/sys/class/net/' + nic + '/' + file, 'utf8').trim();
let seen = null;
try {
  const device = readlinkSync('/sys/class/net/' + nic + '/device').split('/').pop();
  const rows = readFileSync('/proc/interrupts', 'utf8').split('\\n').filter((row) => row.includes(device + '-'));
  seen = {
    index: Number(of('ifindex')),
    isUp: (Number(of('flags')) & 1) === 1,
    addresses: (networkInterfaces()[nic] ?? []).map(({ cidr }) => cidr),
    irqs: rows.map((row) => row.trim().split(':')[0]),
  };
} catch {}
console.log(JSON.stringify(seen));
`;

const seenSchema = z
  .strictObject({
    index: z.number(),
    isUp: z.boolean(),
    addresses: z.array(z.string()),
    irqs: z.array(z.string()),
  })
  .nullable();
type Seen = z.infer<typeof seenSchema>;

export const nicReattach: Fault<z.infer<typeof params>> = {
  name: 'nic-reattach',
  params,
  prepare: async ({ nic: name }, { agent, node }) => {
    const nic = node.nics?.find((one) => one.name === name);
    if (nic === undefined)
      throw new CoalmineError('inject', `${node.name} has no NIC ${name} that can be taken out`);
    const before = await look(agent, name);
    if (before === null) throw new CoalmineError('inject', `${node.name} does not see its ${name}`);
    return {
      where: 'controller',
      inject: [nic.detach],
      undo: { undo: [nic.attach], restore: [], verify: nic.verify, timeoutMs: UNDO_MS },
      // Asked before the undo and after it: what came back is another device.
      felt: async () => {
        const now = await look(agent, name);
        const how =
          now === null
            ? 'left'
            : now.index === before.index
              ? 'never left'
              : `came back as index ${now.index} with the interrupts ${now.irqs.join(', ')} to`;
        return {
          felt: now?.index !== before.index,
          evidence: `${name} ${how} ${node.name}; it had index ${before.index} and the interrupts ${before.irqs.join(', ')}`,
        };
      },
      notWholeYet: () => makeWhole(agent, nic, before.index),
    };
  },
};

async function makeWhole(
  agent: NodeAgent,
  { name, address }: MachineNic,
  indexBefore: number,
): Promise<string | undefined> {
  const now = await look(agent, name);
  if (now === null || now.index === indexBefore) return `${name} is not back yet`;
  if (now.isUp && now.addresses.includes(address)) return undefined;
  for (const words of [
    ['address', 'replace', address, 'dev', name],
    ['link', 'set', name, 'up'],
  ])
    await agent.run({ argv: ['ip', ...words] }, { timeoutMs: ASK_MS });
  return `${name} is back without its address`;
}

async function look(agent: NodeAgent, nic: string): Promise<Seen> {
  const { stdout } = await agent.run(nodeProgram(LOOK, nic), { timeoutMs: ASK_MS });
  return seenSchema.parse(JSON.parse(stdout));
}
