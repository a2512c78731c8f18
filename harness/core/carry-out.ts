/**
 * Carries out an undo record. The agent (by lease or on request), the controller and `coalmine clean` all use this one
 * function, so that an undo means the same wherever it runs. It never throws and never stops at the first failure.
 */
import { prettyCommand, type Command, type Executor } from './command.ts';
import { waitFor } from './deadline.ts';
import { messageOf } from './errors.ts';
import type { UndoRecord } from './undo.ts';

export interface UndoOutcome {
  id: string;
  /** Only this decides whether the target is clean again. */
  verified: boolean;
  /** What went wrong on the way, one sentence each. A step may fail and the record still be verified. */
  problems: string[];
}

export type WriteFile = (path: string, content: string) => Promise<void>;

const VERIFY_EVERY_MS = 200;

/**
 * Runs every undo command, puts every file back, then asks `verify` until it holds. `record.timeoutMs` limits each
 * step on its own: one that hangs cannot take the time of those after it.
 */
export async function carryOut(
  record: UndoRecord,
  executor: Executor,
  writeFile: WriteFile,
): Promise<UndoOutcome> {
  const problems: string[] = [];
  const attempt = async (step: () => Promise<unknown>): Promise<boolean> => {
    try {
      await step();
      return true;
    } catch (error) {
      problems.push(messageOf(error));
      return false;
    }
  };
  for (const command of record.undo) {
    await attempt(() => mustExit(executor, command, record.timeoutMs, { exitCode: 0 }));
  }
  for (const { path, content } of record.restore) {
    await attempt(() => writeFile(path, content));
  }
  const verified = await attempt(() => verify(record, executor));
  return { id: record.id, verified, problems };
}

async function verify({ id, verify, timeoutMs }: UndoRecord, executor: Executor): Promise<void> {
  await waitFor(
    { what: `the undo of ${id} to be confirmed`, timeoutMs, everyMs: VERIFY_EVERY_MS },
    async () => {
      await mustExit(executor, verify.command, timeoutMs, verify);
      return true;
    },
  );
}

async function mustExit(
  executor: Executor,
  command: Command,
  timeoutMs: number,
  wanted: { exitCode: number; stdout?: string },
): Promise<void> {
  const { exitCode, signal, stdout, stderr } = await executor.run(command, { timeoutMs });
  if (exitCode !== wanted.exitCode) {
    const output = (stderr.trim() || stdout.trim()).slice(-500);
    throw new Error(
      `\`${prettyCommand(command)}\` ended with ${signal ?? exitCode ?? '?'}, wanted ${wanted.exitCode}${output === '' ? '' : `: ${output}`}`,
    );
  }
  if (wanted.stdout !== undefined && stdout.trim() !== wanted.stdout.trim()) {
    throw new Error(
      `\`${prettyCommand(command)}\` printed ${JSON.stringify(stdout.trim().slice(0, 500))}, wanted ${JSON.stringify(wanted.stdout)}`,
    );
  }
}
