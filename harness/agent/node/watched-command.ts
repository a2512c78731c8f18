/** A watched command: its whole output is one content, null where it fails, prints too much or passes its limit. */
import { prettyCommand, type Command } from '../../core/command.ts';
import { messageOf } from '../../core/errors.ts';
import type { Runner, Running } from './runner.ts';
import type { Source } from './sampler.ts';

export function watchCommand(
  { command, timeoutMs }: { command: Command; timeoutMs: number },
  runner: Runner,
): Source {
  let last: string | null | undefined;
  let running: Running | undefined;

  const read = async (): Promise<string> => {
    const onStart = (started: Running): void => {
      running = started;
    };
    const output = await runner.run(command, { timeoutMs, onStart });
    if (output.exitCode === 0 && !output.truncated) return output.stdout;
    const how = output.timedOut
      ? 'ran into its limit'
      : output.truncated
        ? 'printed too much'
        : `ended with ${output.signal ?? output.exitCode ?? '?'}`;
    throw new Error(`\`${prettyCommand(command)}\` ${how}: ${output.stderr.trim().slice(-300)}`);
  };
  return {
    look: async () => {
      let content: string | null = null;
      let failure: string | undefined;
      try {
        content = await read();
      } catch (error) {
        failure = messageOf(error);
      }
      const changed = content === last ? {} : { stdout: content };
      last = content;
      return { changed, good: failure === undefined, failure };
    },
    close: () => running?.kill('SIGKILL'),
  };
}
