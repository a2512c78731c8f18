/**
 * Processes of a node by pid *and* start time (field 22 of /proc/PID/stat). A pid alone is not a name: by the time that
 * an undo is carried out, by another process perhaps hours later, it may belong to someone else.
 */
import { z } from 'zod';
import type { Command, Executor } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import { nodeProgram } from './node-program.ts';

const processSchema = z.strictObject({
  pid: z.number().int(),
  /** Clock ticks since boot. */
  start: z.string(),
  /** `T` is stopped by a signal. */
  state: z.string(),
});
export type NodeProcess = z.infer<typeof processSchema>;

const ASK_MS = 10_000;

/** After the last `)`: a name may hold spaces and brackets. */
const READ_STAT = `
const { readFileSync, readdirSync } = require('node:fs');
const read = (pid) => {
  try {
    const fields = readFileSync('/proc/' + pid + '/stat', 'latin1').split(') ').pop().split(' ');
    return { pid: Number(pid), start: fields[19], state: fields[0] };
  } catch { return undefined; }
};
const named = process.argv.slice(1).map((word) => word.split(':'));
const same = ([pid, start]) => {
  const found = read(pid);
  return found !== undefined && found.start === start && found.state !== 'Z' ? found : undefined;
};
`;

const FIND = `${READ_STAT}
const name = process.argv[1];
const text = (pid, file) => { try { return readFileSync('/proc/' + pid + '/' + file, 'utf8'); } catch { return ''; } };
const wanted = (pid) => text(pid, 'comm').trim() === name.slice(0, 15)
  && text(pid, 'cmdline').split('\\0')[0].split('/').pop() === name;
console.log(JSON.stringify(readdirSync('/proc').filter((pid) => /^\\d+$/.test(pid) && wanted(pid)).flatMap((pid) => read(pid) ?? [])));
`;

/** Signals those that are still the same process; exits 1 where \`must\` is set and one is gone. */
const SIGNAL = `${READ_STAT}
const [[signal], [must], ...targets] = named;
for (const target of targets) {
  if (same(target)) process.kill(Number(target[0]), signal);
  else if (must === 'must') { console.error('process ' + target[0] + ' is gone'); process.exitCode = 1; }
}
`;

const COUNT_STOPPED = `${READ_STAT}
console.log(named.filter((target) => same(target)?.state === 'T').length);
`;

/** Returns the processes whose name in the kernel and whose program's file name are both exactly `name`. */
export async function findProcesses(executor: Executor, name: string): Promise<NodeProcess[]> {
  const answer = await executor.run(nodeProgram(FIND, name), { timeoutMs: ASK_MS });
  if (answer.exitCode === 0) return z.array(processSchema).parse(JSON.parse(answer.stdout));
  const why = answer.stderr.trim().slice(-500);
  throw new CoalmineError('inject', `could not look for ${name} on ${executor.name}: ${why}`);
}

/** Fails (exit 1) where one of the processes is gone: a fault that hits nothing is an error. */
export function stopProcesses(processes: readonly NodeProcess[]): Command {
  return nodeProgram(SIGNAL, 'SIGSTOP', 'must', ...processes.map(word));
}

/** Continues those that are still there; what is gone needs no undo. */
export function continueProcesses(processes: readonly NodeProcess[]): Command {
  return nodeProgram(SIGNAL, 'SIGCONT', 'if-there', ...processes.map(word));
}

/** Prints how many of the processes are there and stopped. */
export function countStopped(processes: readonly NodeProcess[]): Command {
  return nodeProgram(COUNT_STOPPED, ...processes.map(word));
}

function word({ pid, start }: NodeProcess): string {
  return `${pid}:${start}`;
}
