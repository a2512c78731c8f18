/**
 * A kernel that hangs or panics before its machine's agent is there. It hangs, without KVM, once in some hundred boots: the
 * timer of a second processor never fires (seen on QEMU 10.0 with kernel 6.1, with nothing else running); the kernel sees
 * that after 21 s, says so on its console, and waits for ever. One that panics stands still for ever, too, but would only
 * panic again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RunOptions } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Machine } from './machine.ts';

/** kernel/rcu/tree_stall.h */
const HUNG = /Possible timer handling issue on cpu=\d+/;
/** kernel/panic.c: the last line, so that the trace before it is whole. */
const PANIC = /---\[ end (Kernel panic - not syncing: .*) \]---/;
const LOOK_EVERY_MS = 1_000;
const RESET: RunOptions = { timeoutMs: 20_000 };

type Watched = Pick<Machine, 'spec' | 'consoleTail' | 'power'>;

/**
 * Returns what `meeting` does; presses the machine's button, once, where its kernel hangs meanwhile. Throws `provision`
 * where it panics: nobody is met there any more.
 */
export async function meetOrReset<T>(
  machine: Watched,
  meeting: Promise<T>,
  say: (line: string) => void,
  lookEveryMs = LOOK_EVERY_MS,
): Promise<T> {
  const over = new AbortController();
  // What comes in its way is no error: the meeting ends by its own limit.
  const watching = watchBoot(machine, say, lookEveryMs, over.signal).catch(() => undefined);
  const panicked = new Promise<never>((_, reject) => {
    void watching.then((panic) => {
      if (panic !== undefined) reject(panic);
    });
  });
  try {
    return await Promise.race([meeting, panicked]);
  } finally {
    // Nobody presses the button any more when this is over.
    over.abort();
    await watching;
  }
}

/** Resolves with the kernel's panic, or with nothing when it is over. */
async function watchBoot(
  machine: Watched,
  say: (line: string) => void,
  lookEveryMs: number,
  over: AbortSignal,
): Promise<CoalmineError | undefined> {
  const { name } = machine.spec;
  let isReset = false;
  for (;;) {
    await delay(lookEveryMs, undefined, { signal: over });
    const tail = await machine.consoleTail();
    if (over.aborted) return undefined;
    const panic = PANIC.exec(tail)?.[1];
    if (panic !== undefined)
      return new CoalmineError('provision', `${name} does not boot: ${panic}${tail}`);
    const [hung] = HUNG.exec(tail) ?? [];
    if (hung === undefined || isReset) continue;
    isReset = true;
    say(`${name} hangs as it boots, and is reset: ${hung}`);
    await runOrThrow(local, machine.power.reset, { ...RESET, signal: over });
  }
}
