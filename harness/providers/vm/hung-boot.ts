/**
 * A kernel that hangs before its machine's agent is there. Without KVM, once in some hundred boots, the timer of a second
 * processor never fires (seen on QEMU 10.0 with kernel 6.1, with nothing else running); the kernel sees that after 21 s, says
 * so on its console, and waits for ever.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RunOptions } from '../../core/command.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Machine } from './machine.ts';

/** kernel/rcu/tree_stall.h */
const HUNG = /Possible timer handling issue on cpu=\d+/;
const LOOK_EVERY_MS = 1_000;
const RESET: RunOptions = { timeoutMs: 20_000 };

/** Returns what `meeting` does; presses the machine's button, once, where its kernel hangs meanwhile. */
export async function meetOrReset<T>(
  machine: Pick<Machine, 'spec' | 'consoleTail' | 'power'>,
  meeting: Promise<T>,
  say: (line: string) => void,
  lookEveryMs = LOOK_EVERY_MS,
): Promise<T> {
  const over = new AbortController();
  const watching = (async (): Promise<void> => {
    for (;;) {
      await delay(lookEveryMs, undefined, { signal: over.signal });
      const [said] = HUNG.exec(await machine.consoleTail()) ?? [];
      if (over.signal.aborted) return;
      if (said === undefined) continue;
      say(`${machine.spec.name} hangs as it boots, and is reset: ${said}`);
      await runOrThrow(local, machine.power.reset, { ...RESET, signal: over.signal });
      return;
    }
  })();
  // What comes in its way is no error: the meeting ends by its own limit.
  watching.catch(() => undefined);
  try {
    return await meeting;
  } finally {
    // Nobody presses the button any more when this is over.
    over.abort();
    await watching.catch(() => undefined);
  }
}
