/** Remembers a run before it makes anything, and the host's settings as they were before any living run began. */
import { readSysctls } from './host-sysctls.ts';
import {
  isRunAlive,
  newRunState,
  readRunStates,
  writeRunState,
  type RunState,
} from './run-state.ts';

/**
 * Makes the run's temporary folder and writes its state. For a run on the user's engine give `engineEnv`: `clean` then
 * finds that engine again. The counterpart is `cleanRun({ own: true })`.
 */
export async function beginRun(
  cacheDir: string,
  runId: string,
  engineEnv?: Record<string, string>,
): Promise<RunState> {
  const others = (await readRunStates(cacheDir)).filter((other) => other.runId !== runId);
  // A second run finds settings that the first one changed: the first one's memory is the truth.
  const original = others.find(isRunAlive)?.sysctls ?? (await readSysctls());
  const state = newRunState(runId, original, engineEnv);
  await writeRunState(cacheDir, state);
  return state;
}
