/** Starts `engine-program.ts` as a user would start the CLI, and finds its processes. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { startLocal, type LocalProcess } from '../../harness/exec/local.ts';

const PROGRAM = path.join(import.meta.dirname, 'engine-program.ts');

interface EngineReport {
  startMs: number;
  /** Containers of an earlier life that the engine still knew. */
  before: string;
  images: string;
  status: string;
  host: string;
  zombies: string[];
}

export interface EngineRun {
  readonly outer: LocalProcess;
  /** Resolves when the container is up; rejects with the program's complaints when it ends before. */
  readonly report: Promise<EngineReport>;
  readonly ended: LocalProcess['ended'];
}

export function startEngineRun(
  cacheDir: string,
  runId: string,
  tar: string,
  then: 'end' | 'wait',
): EngineRun {
  const outer = startLocal({
    argv: [process.execPath, '--import', 'tsx', PROGRAM, cacheDir, runId, tar, then],
  });
  let complaints = '';
  outer.stderr.on('data', (chunk: Buffer) => (complaints += String(chunk)));
  const report = new Promise<EngineReport>((resolve, reject) => {
    let text = '';
    outer.stdout.on('data', (chunk: Buffer) => {
      text += String(chunk);
      const end = text.indexOf('\n');
      if (end !== -1) resolve(JSON.parse(text.slice(0, end)) as EngineReport);
    });
    void outer.ended.then(() => {
      reject(new Error(`ended before it was up: ${complaints}`));
    });
  });
  report.catch(() => undefined); // whoever does not ask does not mind
  return { outer, report, ended: outer.ended };
}

/** Returns a process and everything below it, by parent pid. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .at(1);
      parents.set(Number(name), Number(parent));
    } catch {
      continue; // it ended while we looked
    }
  }
  const tree = [root];
  for (const pid of tree)
    tree.push(...[...parents].filter(([, parent]) => parent === pid).map(([child]) => child));
  return tree;
}

/** Returns the inner program: the second process below `unshare`, whose first is the reaper. */
export function innerOf(run: EngineRun): number {
  const [, , , inner] = processTree(run.outer.pid);
  if (inner === undefined) throw new Error('there is no inner process');
  return inner;
}
