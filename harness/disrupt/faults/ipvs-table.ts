/**
 * Fills the kernel's ipvs table with thousands of virtual servers that nobody uses, as large clusters have them. Kernels
 * before 6.2 walk over all of them each two seconds, for their statistics, in one softirq on one CPU (`estimation_timer`,
 * seed 001); later ones do so in kernel threads, and with `run_estimation` 0 nobody does.
 *
 * The addresses are of the range that is kept for benchmarks (RFC 2544), so that no packet of the node goes there. Where
 * kube-proxy itself uses ipvs it takes away what it does not know, and then the fault was not felt.
 */
import { z } from 'zod';
import type { Command } from '../../core/command.ts';
import { positiveDurationSchema } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { Fault, FaultTarget } from './fault.ts';
import { nodeParam } from './node-param.ts';
import { nodeProgram } from './node-program.ts';

const params = z.strictObject({
  node: nodeParam,
  virtualServers: z.int().min(1).max(60_000).default(10_000),
  realServers: z.int().min(1).max(16).default(2).describe('behind each virtual server'),
  estimation: z
    .enum(['as-is', 'off'])
    .default('as-is')
    .describe('off sets net.ipv4.vs.run_estimation to 0, for as long as the fault lasts'),
  for: positiveDurationSchema.optional(),
});
type Params = z.infer<typeof params>;

const ASK_MS = 10_000;
const UNDO_MS = 120_000;
/** So many at once that a node without KVM needs a few seconds for them. */
const CHUNK = 2_500;
const SETTINGS = '/proc/sys/net/ipv4/vs';
const ESTIMATION = `${SETTINGS}/run_estimation`;

const TABLE = `
const fs = require('node:fs');
const address = (index) => '198.18.' + (index >> 8) + '.' + (index & 255) + ':80';
const change = (lines) => require('node:child_process').execFileSync('ipvsadm', ['-R'], { input: lines.map((line) => line + '\\n').join(''), stdio: ['pipe', 'ignore', 'inherit'] });
/** 198.18.0.0/16, port 80. */
const ours = () => fs.readFileSync('/proc/net/ip_vs', 'latin1').split('\\n').flatMap((line) => {
  const found = /^TCP {2}C612([0-9A-F]{4}):0050 /.exec(line);
  return found ? [parseInt(found[1], 16)] : [];
});
`;

const ADD = `${TABLE}
const [, from, to, real] = process.argv.map(Number);
const lines = [];
for (let index = from; index < to; index += 1) {
  lines.push('-A -t ' + address(index) + ' -s rr');
  for (let one = 1; one <= real; one += 1) lines.push('-a -t ' + address(index) + ' -r 198.19.0.' + one + ':80 -m -w 1');
}
change(lines);
`;

/** Only what is ours and still there: ipvsadm stops at the first that is not. */
const REMOVE = `${TABLE}
const count = Number(process.argv[1]);
const left = ours().filter((index) => index < count);
if (left.length > 0) change(left.map((index) => '-D -t ' + address(index)));
`;

/** The second word is the setting, or \`none\` where the kernel has none. */
const COUNT = `${TABLE}
const read = () => { try { return fs.readFileSync('${ESTIMATION}', 'utf8').trim(); } catch { return 'none'; } };
console.log(ours().length + ' ' + read());
`;

export const ipvsTable: Fault<Params> = {
  name: 'ipvs-table',
  params,
  prepare: async ({ virtualServers, realServers, estimation }, target) => {
    const before = await readTable(target);
    demandFree(before, estimation, target);
    const { inThreads } = before;
    const off = estimation === 'off';
    const wanted = off ? '0' : before.estimation;
    return {
      where: 'node',
      inject: [
        ...(off ? [{ argv: ['tee', ESTIMATION], stdin: '0\n' } satisfies Command] : []),
        ...chunks(virtualServers).map(([from, to]) =>
          nodeProgram(ADD, String(from), String(to), String(realServers)),
        ),
      ],
      undo: {
        undo: [nodeProgram(REMOVE, String(virtualServers))],
        restore: off ? [{ path: ESTIMATION, content: `${before.estimation}\n` }] : [],
        verify: {
          command: nodeProgram(COUNT),
          exitCode: 0,
          stdout: `0 ${before.estimation}`,
        },
        timeoutMs: UNDO_MS,
      },
      felt: async () => {
        const now = await readTable(target);
        const who = inThreads ? 'in kernel threads' : 'in a softirq';
        return {
          felt: now.virtualServers === virtualServers && now.estimation === wanted,
          evidence: `the kernel lists ${now.virtualServers} of ${virtualServers} virtual servers with ${realServers} real ones each; run_estimation is ${now.estimation}, and this kernel estimates ${who}`,
        };
      },
    };
  },
};

interface Table {
  /** Of ours. */
  virtualServers: number;
  estimation: string;
  /** Kernels that estimate in threads have settings for those. */
  inThreads: boolean;
}

async function readTable({ agent, node }: FaultTarget): Promise<Table> {
  const { exitCode, stdout } = await agent.run(nodeProgram(COUNT), { timeoutMs: ASK_MS });
  const [, count, setting] = /^(\d+) (\d+|none)\n$/.exec(stdout) ?? [];
  if (exitCode !== 0 || count === undefined || setting === undefined) {
    throw new CoalmineError('inject', `${node.name} does not show /proc/net/ip_vs`, {
      wayOut: 'its kernel must have the module ip_vs loaded',
    });
  }
  const threads = await agent.run(
    { argv: ['test', '-e', `${SETTINGS}/est_nice`] },
    { timeoutMs: ASK_MS },
  );
  return {
    virtualServers: Number(count),
    estimation: setting,
    inThreads: threads.exitCode === 0,
  };
}

function demandFree(
  { virtualServers, estimation }: Table,
  wanted: Params['estimation'],
  { node }: FaultTarget,
): void {
  const refuse = (why: string): never => {
    throw new CoalmineError('inject', `${node.name}: ${why}`);
  };
  if (virtualServers > 0)
    refuse(`${virtualServers} virtual servers in 198.18.0.0/16 are there already`);
  if (wanted === 'off' && estimation === 'none')
    refuse(`this kernel has no ${ESTIMATION}; it came with 5.15`);
}

function chunks(count: number): [from: number, to: number][] {
  return Array.from({ length: Math.ceil(count / CHUNK) }, (_, index) => [
    index * CHUNK,
    Math.min(count, (index + 1) * CHUNK),
  ]);
}
