/** Sets a node's wall clock right after its machine stood still together with its clock: a part of a freeze's undo. */
import type { NodeAgent } from '../../core/node.ts';
import { CoalmineError } from '../../core/errors.ts';
import { formatDuration } from '../../core/duration.ts';
import { nodeProgram } from './node-program.ts';

/** Reading takes a node without KVM a few hundred milliseconds; a clock is held to be wrong from here on. */
const WRONG_MS = 500;
const ASK_MS = 10_000;

/** The program is asked for the time twice as long as it takes to start: it reads the clock at its end. */
const READ = 'console.log(Date.now())';

/** Returns undefined where the clock is right; else sets it and says how wrong it was: ask again. */
export async function clockIsWrong(agent: NodeAgent): Promise<string | undefined> {
  const fromMs = Date.now();
  const { stdout } = await agent.run(nodeProgram(READ), { timeoutMs: ASK_MS });
  const toMs = Date.now();
  const nodeMs = Number(stdout.trim() || Number.NaN);
  // It was read somewhere between our two readings: only what is outside of both is wrong for sure.
  const behindMs = fromMs - nodeMs;
  const aheadMs = nodeMs - toMs;
  if (behindMs < WRONG_MS && aheadMs < WRONG_MS) return undefined;
  const at = `@${(Date.now() / 1_000).toFixed(3)}`;
  const set = await agent.run({ argv: ['date', '--utc', `--set=${at}`] }, { timeoutMs: ASK_MS });
  if (set.exitCode !== 0)
    throw new CoalmineError('undo', `its clock cannot be set: ${set.stderr.trim()}`);
  return behindMs > 0
    ? `its clock was ${formatDuration(behindMs)} behind`
    : `its clock was ${formatDuration(aheadMs)} ahead`;
}
