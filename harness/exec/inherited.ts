/**
 * A child that has this process's own terminal and stands in for it: what it prints and reads is the user's. It gets a
 * session of its own, so that Ctrl+C reaches it once, by way of us, and not a second time from the terminal.
 */
import { execa } from 'execa';
import { prettyCommand, type Command } from '../core/command.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';

export interface InheritedProcess {
  readonly pid: number;
  readonly ended: Promise<{ exitCode: number | null; signal: string | null }>;
  /** Signals the whole process group; a process that is gone is no error. */
  kill(signal: NodeJS.Signals): void;
}

export async function startInherited(command: Command): Promise<InheritedProcess> {
  const [file, ...args] = command.argv;
  const child = execa(file, args, {
    reject: false,
    detached: true,
    cleanup: false,
    buffer: false,
    stdio: 'inherit',
    ...(command.env === undefined ? {} : { env: command.env }),
  });
  const { pid } = child;
  if (pid === undefined) {
    const { cause } = await child;
    throw new CoalmineError(
      'command',
      `could not start \`${prettyCommand(command)}\`: ${messageOf(cause)}`,
      { cause },
    );
  }
  return {
    pid,
    ended: child.then((result) => ({
      exitCode: result.exitCode ?? null,
      signal: result.signal ?? null,
    })),
    kill: (signal) => {
      try {
        process.kill(-pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
  };
}
