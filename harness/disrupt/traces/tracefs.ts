/**
 * Has a node's kernel keep a trace for us. It harms nothing, but it changes the node: so it is armed, journaled, held by the
 * agent's lease, undone and verified like a fault. An instance of its own holds it, so that nobody else's tracing is touched.
 */
import { CoalmineError } from '../../core/errors.ts';
import { TRACEFS } from '../../core/softirq-trace.ts';
import type { FaultTarget, PreparedFault } from '../faults/fault.ts';
import { nodeProgram } from '../faults/node-program.ts';

const UNDO_MS = 20_000;
const ASK_MS = 10_000;

/** What the kernel is told, in its own words; events and triggers are files below the instance's events/. */
export interface KernelTrace {
  readonly instance: string;
  /** Synthetic events: definitions, as synthetic_events takes them. */
  readonly synthetic: readonly string[];
  /** Other settings of the instance: file and line. */
  readonly settings: readonly (readonly [file: string, line: string])[];
  /** In the order in which they can be set. */
  readonly triggers: readonly (readonly [event: string, trigger: string])[];
  /** Events that go into the ring buffer. */
  readonly events: readonly string[];
}

const READ = `
const fs = require('node:fs');
const [, root, mounted, text] = process.argv;
const { instance, synthetic, settings, triggers, events } = JSON.parse(text);
const home = root + '/instances/' + instance;
const place = (definition) => root + '/events/synthetic/' + definition.split(' ')[0];
const write = (file, line) => fs.appendFileSync(file, line + '\\n');
const call = (...argv) => require('node:child_process').execFileSync(...argv);
`;

/** What the kernel refuses it explains in error_log, of which the end is worth more than EINVAL. */
const ARM = `${READ}
if (mounted === 'ours') call('mount', ['-t', 'tracefs', 'tracefs', root]);
let file;
try {
  for (const definition of synthetic) write(file = root + '/synthetic_events', definition);
  fs.mkdirSync(file = home);
  for (const [name, line] of settings) write(file = home + '/' + name, line);
  for (const [name, trigger] of triggers) write(file = home + '/events/' + name + '/trigger', trigger);
  for (const name of events) write(file = home + '/events/' + name + '/enable', '1');
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
  for (const name of events) attempt(() => write(home + '/events/' + name + '/enable', '0'));
  for (const [name, trigger] of triggers.toReversed()) attempt(() => write(home + '/events/' + name + '/trigger', '!' + trigger));
  attempt(() => fs.rmdirSync(home));
}
for (const definition of synthetic) if (fs.existsSync(place(definition))) attempt(() => write(root + '/synthetic_events', '!' + definition));
const left = [home, ...synthetic.map(place)].filter((one) => fs.existsSync(one));
if (mounted === 'ours' && left.length === 0 && fs.existsSync(root + '/trace')) call('umount', [root]);
if (left.length > 0) process.exitCode = 1;
`;

const COUNT = `${READ}
console.log([home, ...synthetic.map(place)].filter((one) => fs.existsSync(one)).length);
`;

/** Throws `inject` where the node's kernel has no tracefs. */
export async function prepareTrace(
  { agent, node }: Pick<FaultTarget, 'agent' | 'node'>,
  trace: KernelTrace,
): Promise<Pick<PreparedFault, 'where' | 'inject' | 'undo'>> {
  const isThere = (path: string): Promise<boolean> =>
    agent
      .run({ argv: ['test', '-e', path] }, { timeoutMs: ASK_MS })
      .then(({ exitCode }) => exitCode === 0);
  if (!(await isThere(TRACEFS))) {
    throw new CoalmineError('inject', `the kernel of ${node.name} has no ${TRACEFS}`, {
      wayOut: 'use a kernel with CONFIG_FTRACE and CONFIG_HIST_TRIGGERS, as Debian’s are',
    });
  }
  const mounted = (await isThere(`${TRACEFS}/instances`)) ? 'already' : 'ours';
  const ask = (program: string) => nodeProgram(program, TRACEFS, mounted, JSON.stringify(trace));
  return {
    where: 'node',
    inject: [ask(ARM)],
    undo: {
      undo: [ask(DISARM)],
      restore: [],
      verify: { command: ask(COUNT), exitCode: 0, stdout: '0' },
      timeoutMs: UNDO_MS,
    },
  };
}
