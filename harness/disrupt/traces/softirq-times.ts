/**
 * Lets a node's kernel count how long softirqs and timer handlers hold a CPU (core/softirq-trace.ts). It harms nothing, but
 * it changes the node: so it is armed, journaled, held by the agent's lease, undone and verified like a fault.
 *
 * What it costs: a microsecond or so for each timer and each softirq, nothing for packets as such.
 */
import { z } from 'zod';
import { CoalmineError } from '../../core/errors.ts';
import { softirqTrace, TRACEFS, type SoftirqTrace } from '../../core/softirq-trace.ts';
import type { Fault } from '../faults/fault.ts';
import { nodeParam } from '../faults/node-param.ts';
import { nodeProgram } from '../faults/node-program.ts';

const params = z.strictObject({ node: nodeParam });

const UNDO_MS = 20_000;
const ASK_MS = 10_000;

const READ = `
const fs = require('node:fs');
const [, root, mounted, text] = process.argv;
const { instance, events, triggers, histograms } = JSON.parse(text);
const home = root + '/instances/' + instance;
const synthetic = (event) => root + '/events/synthetic/' + event.split(' ')[0];
const write = (file, line) => fs.appendFileSync(file, line + '\\n');
const call = (...argv) => require('node:child_process').execFileSync(...argv);
`;

/** What the kernel refuses it explains in error_log, of which the end is worth more than EINVAL. */
const ARM = `${READ}
if (mounted === 'ours') call('mount', ['-t', 'tracefs', 'tracefs', root]);
let file;
try {
  for (const event of events) write(file = root + '/synthetic_events', event);
  fs.mkdirSync(file = home);
  for (const [name, trigger] of triggers) write(file = home + '/events/' + name + '/trigger', trigger);
} catch (error) {
  console.error(error.message + ' (' + file + ')');
  try { console.error(fs.readFileSync(home + '/error_log', 'utf8').slice(-400)); } catch {}
  process.exitCode = 1;
}
`;

/** A histogram must be taken away before what it refers to; tracefs itself only once nothing of ours is in it. */
const DISARM = `${READ}
const attempt = (step) => { try { step(); } catch (error) { if (error.code !== 'ENOENT') console.error(error.message); } };
if (fs.existsSync(home)) {
  for (const [name, trigger] of triggers.toReversed()) attempt(() => write(home + '/events/' + name + '/trigger', '!' + trigger));
  attempt(() => fs.rmdirSync(home));
}
for (const event of events) if (fs.existsSync(synthetic(event))) attempt(() => write(root + '/synthetic_events', '!' + event));
const left = [home, ...events.map(synthetic)].filter((one) => fs.existsSync(one));
if (mounted === 'ours' && left.length === 0 && fs.existsSync(root + '/trace')) call('umount', [root]);
if (left.length > 0) process.exitCode = 1;
`;

const COUNT = `${READ}
console.log([home, ...events.map(synthetic)].filter((one) => fs.existsSync(one)).length);
`;

/** The handlers that it has seen end so far: on a node whose clock ticks there is always one. */
const SEEN = `${READ}
const lines = fs.readFileSync(histograms.softirq, 'utf8').split('\\n');
console.log(Number(/Hits: (\\d+)/.exec(lines.find((line) => line.includes('Hits: ')) ?? '')?.[1] ?? 0));
`;

export const traceSoftirqTimes: Fault<z.infer<typeof params>> = {
  name: 'trace-softirq-times',
  params,
  prepare: async (_, { agent, node, tag }) => {
    const isThere = (path: string): Promise<boolean> =>
      agent
        .run({ argv: ['test', '-e', path] }, { timeoutMs: ASK_MS })
        .then(({ exitCode }) => exitCode === 0);
    if (!(await isThere(TRACEFS))) {
      throw new CoalmineError('inject', `the kernel of ${node.name} has no ${TRACEFS}`, {
        wayOut: 'checks of softirqs need a kernel with CONFIG_HIST_TRIGGERS, as Debian’s have',
      });
    }
    const mounted = (await isThere(`${TRACEFS}/instances`)) ? 'already' : 'ours';
    const trace = softirqTrace(tag);
    const ask = (program: string) => nodeProgram(program, ...argumentsOf(trace, mounted));
    return {
      where: 'node',
      inject: [ask(ARM)],
      undo: {
        undo: [ask(DISARM)],
        restore: [],
        verify: { command: ask(COUNT), exitCode: 0, stdout: '0' },
        timeoutMs: UNDO_MS,
      },
      felt: async () => {
        const { stdout } = await agent.run(ask(SEEN), { timeoutMs: ASK_MS });
        const seen = Number(stdout.trim());
        return {
          felt: seen > 0,
          evidence: `the kernel has counted the lengths of ${seen} softirqs`,
        };
      },
    };
  },
};

function argumentsOf(trace: SoftirqTrace, mounted: 'already' | 'ours'): string[] {
  return [TRACEFS, mounted, JSON.stringify(trace)];
}
