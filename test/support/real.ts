/** A test that needs a real engine, root or a kernel feature says so here. On a user's machine it skips, aloud; in CI that is a failure. */
import type { Context } from 'mocha';

/** Skips the running test (or the suite, from a `before`) with its reason; with CI=true it throws instead. */
export function skipOrFail(context: Context, reason: string): never {
  if (process.env['CI'] === 'true') throw new Error(`cannot run here, and CI must: ${reason}`);
  console.warn(`      skipped: ${reason}`);
  return context.skip();
}

/** For what a machine that lacks nothing cannot show. Skips, aloud, in CI too: there is nothing to make it runnable with. */
export function notHere(context: Context, reason: string): never {
  console.warn(`      does not apply: ${reason}`);
  return context.skip();
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
