/** Real processes under names of the test's own, and their state in /proc. */
import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { waitFor } from '../../harness/core/deadline.ts';
import { startLocal, type LocalProcess } from '../../harness/exec/local.ts';
import { inTemporaryFolder } from '../unit/disrupt/planted-fault.ts';

/** Starts a copy of `sleep` under each name, and ends them all. */
export async function withProcesses(
  names: readonly string[],
  body: (processes: LocalProcess[], folder: string) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const processes: LocalProcess[] = [];
    try {
      for (const name of names) {
        const program = path.join(mkdtempSync(path.join(folder, 'bin-')), name);
        copyFileSync('/bin/sleep', program);
        const started = startLocal({ argv: [program, '60'] });
        processes.push(started);
        await waitFor({ what: `${name} to sleep`, timeoutMs: 5_000, everyMs: 5 }, () =>
          Promise.resolve(
            stateOf(started) === 'S' && commOf(started) === name.slice(0, 15) ? true : undefined,
          ),
        );
      }
      await body(processes, folder);
    } finally {
      for (const one of processes) one.kill('SIGKILL');
      await Promise.all(processes.map(({ ended }) => ended));
    }
  });
}

export function isStopped(one: LocalProcess | undefined): boolean {
  return stateOf(one) === 'T';
}

function stateOf(one: LocalProcess | undefined): string | undefined {
  return readFileSync(`/proc/${one?.pid ?? 0}/stat`, 'latin1')
    .split(') ')
    .at(-1)
    ?.split(' ')[0];
}

function commOf({ pid }: LocalProcess): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}
