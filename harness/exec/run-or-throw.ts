/** Turns a failed command into an error that one can paste. */
import {
  prettyCommand,
  type Command,
  type Completed,
  type Executor,
  type RunOptions,
} from '../core/command.ts';
import { CoalmineError, type ErrorCode } from '../core/errors.ts';

/** Runs a command and returns its stdout; a non-zero exit or a signal throws with the tail of its output. */
export async function runOrThrow(
  executor: Executor,
  command: Command,
  options: RunOptions & { code?: ErrorCode; wayOut?: string },
): Promise<string> {
  const completed = await executor.run(command, options);
  if (completed.exitCode === 0) return completed.stdout;
  throw new CoalmineError(
    options.code ?? 'command',
    describeFailure(executor.name, command, completed),
    {
      ...(options.wayOut === undefined ? {} : { wayOut: options.wayOut }),
    },
  );
}

function describeFailure(where: string, command: Command, completed: Completed): string {
  const how =
    completed.signal === null
      ? `exit code ${completed.exitCode ?? '?'}`
      : `signal ${completed.signal}`;
  const output = (completed.stderr.trim() || completed.stdout.trim())
    .split('\n')
    .slice(-20)
    .join('\n');
  const place = where === 'local' ? '' : ` on ${where}`;
  return `\`${prettyCommand(command)}\`${place} failed with ${how}${output === '' ? '' : `\n${output}`}`;
}
