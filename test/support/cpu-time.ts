/** CPU time of processes, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { monotonicMs } from '../../harness/core/clock.ts';

/** USER_HZ of every kernel that Debian ships. */
const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** Its first 15 characters. */
  readonly name: string;
  /** utime + stime of all threads: proc_pid_stat(5), fields 14 and 15. */
  readonly cpuMs: number;
}

/** Throws where there is no such process. */
export function processStat(pid: number): ProcessStat {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { pid, parent: Number(fields[1]), name, cpuMs: (ticks * 1_000) / TICKS_PER_SECOND };
}

/** Of that process and of all that descend from it, those that are there now. */
export function processTree(root: number): ProcessStat[] {
  const all = readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return [processStat(Number(entry))];
    } catch {
      return []; // it ended meanwhile
    }
  });
  const below = (pid: number): ProcessStat[] =>
    all.filter(({ parent }) => parent === pid).flatMap((one) => [one, ...below(one.pid)]);
  return [...all.filter(({ pid }) => pid === root), ...below(root)];
}

/** CPU time ÷ wall time while `wait` lasts. */
export async function coresOf(cpuMs: () => number, wait: () => Promise<unknown>): Promise<number> {
  const [fromMs, fromCpuMs] = [monotonicMs(), cpuMs()];
  await wait();
  return (cpuMs() - fromCpuMs) / (monotonicMs() - fromMs);
}
