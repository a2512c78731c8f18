/**
 * One holder at a time across processes. The kernel holds the lock (flock) for a small child whose standard input is a
 * pipe from us: when we end, by SIGKILL too, the pipe closes, the child ends and the lock is free.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../core/errors.ts';
import { startLocal, type LocalProcess } from '../exec/local.ts';
import type { StoreContext } from './component.ts';

/** What `flock` exits with when somebody else has it and we did not want to wait. */
const BUSY = 75;

/** Runs `work` while holding the lock `file`; `what` is what others read who wait for it: `building kubelet 1.34.3`. */
export async function withLock<T>(
  file: string,
  what: string,
  context: StoreContext,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  const holder =
    (await acquire(file, 'try', context.signal)) ?? (await acquireLater(file, what, context));
  try {
    // Written into the locked file itself: a rename would change the inode and so the lock.
    await writeFile(file, `process ${process.pid} (${what}, since ${new Date().toISOString()})\n`);
    return await work();
  } finally {
    holder.stdin.end();
    await holder.ended;
  }
}

async function acquireLater(
  file: string,
  what: string,
  context: StoreContext,
): Promise<LocalProcess> {
  const owner = (await readFile(file, 'utf8').catch(() => '')).trim();
  context.say(`${what}: waiting for ${owner === '' ? 'another process' : owner}`);
  const holder = await acquire(file, 'wait', context.signal);
  if (holder === undefined) throw new CoalmineError('component', `cannot lock ${file}`);
  return holder;
}

/**
 * Returns the child that holds the lock, or undefined where somebody else has it and we only tried. `share` tries too, and
 * holds it together with others who share it.
 */
export async function acquire(
  file: string,
  mode: 'try' | 'wait' | 'share',
  signal: AbortSignal,
): Promise<LocalProcess | undefined> {
  signal.throwIfAborted();
  const options = mode === 'wait' ? [] : ['--nonblock', '--conflict-exit-code', String(BUSY)];
  const kind = mode === 'share' ? '--shared' : '--exclusive';
  const holder = startLocal({ argv: ['flock', kind, ...options, file, 'cat'] });
  const stop = (): void => {
    holder.kill('SIGKILL');
  };
  signal.addEventListener('abort', stop, { once: true });
  // `cat` starts once the lock is held: what we write comes back only then.
  const held = new Promise<'held'>((resolve) => {
    holder.stdout.once('data', () => {
      resolve('held');
    });
  });
  let complaint = '';
  holder.stderr.on('data', (chunk: Buffer) => (complaint += String(chunk)));
  holder.stdin.on('error', () => undefined); // it ended before it read: `ended` says so
  holder.stdin.write('held\n');
  const outcome = await Promise.race([held, holder.ended]);
  signal.removeEventListener('abort', stop);
  if (outcome === 'held') return holder;
  signal.throwIfAborted();
  if (mode !== 'wait' && outcome.exitCode === BUSY) return undefined;
  throw new CoalmineError('component', `cannot lock ${file}: ${complaint.trim()}`, {
    wayOut: 'check that the folder is writable and that flock (util-linux) is installed',
  });
}
