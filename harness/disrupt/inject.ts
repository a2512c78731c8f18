/** Puts a prepared fault in force. What fails halfway is an `inject` error; the caller undoes it all the same. */
import { prettyCommand, type Executor } from '../core/command.ts';
import { within } from '../core/deadline.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import type { UndoRecord } from '../core/undo.ts';
import type { PreparedFault } from './faults/fault.ts';

const INJECT_MS = 30_000;

export async function inject(
  record: UndoRecord,
  how: PreparedFault['inject'],
  executor: Executor,
  signal: AbortSignal,
): Promise<void> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new CoalmineError('inject', `${record.fault} (${record.id}) on ${record.where}: ${why}`, {
      cause,
    });
  };
  if (typeof how === 'function') {
    await within(`${record.fault} to be injected`, INJECT_MS, how()).catch((error: unknown) =>
      refuse(messageOf(error), error),
    );
    return;
  }
  for (const command of how) {
    const { exitCode, stdout, stderr } = await executor
      .run(command, { timeoutMs: INJECT_MS, signal })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        return refuse(messageOf(error), error);
      });
    if (exitCode !== 0) {
      const output = (stderr.trim() || stdout.trim()).slice(-500);
      refuse(`\`${prettyCommand(command)}\` ended with ${exitCode ?? 'a signal'}: ${output}`);
    }
  }
}
