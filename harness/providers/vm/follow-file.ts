/** Follows a file on a machine through the provider's hand, and takes it up again where the connection was lost. */
import { tailArgv, type FollowFile } from '../kube-proxy-logs.ts';
import type { RunningCommand } from '../../core/node.ts';
import type { Hand } from './hand.ts';

/** @param hands of each node, by its name */
export function followThrough(hands: ReadonlyMap<string, Hand>): FollowFile {
  return (node, file, onLine) => {
    const hand = hands.get(node);
    if (hand === undefined) return () => undefined;
    let stopped = false;
    let running: RunningCommand | undefined;
    void follow(hand, file, onLine, (command) => {
      running = command;
      return stopped;
    });
    return () => {
      stopped = true;
      running?.kill('SIGKILL').catch(() => undefined); // a machine that is gone has no tail either
    };
  };
}

/** @param onStart returns whether nobody wants it any more */
async function follow(
  hand: Hand,
  file: string,
  onLine: (line: string) => void,
  onStart: (command: RunningCommand) => boolean,
): Promise<void> {
  let seen = 0;
  const take = (line: string): void => {
    seen += 1;
    onLine(line);
  };
  for (;;) {
    // Not reached any more: the machine is gone, which is told elsewhere.
    const command = await hand
      .start({ argv: tailArgv(file, seen + 1) }, take)
      .catch(() => undefined);
    if (command === undefined) return;
    if (onStart(command)) {
      await command.kill('SIGKILL').catch(() => undefined);
      return;
    }
    const { exitCode, signal } = await command.ended;
    // A tail that ended by itself, or was ended, would only end again; without either the connection was lost.
    if (exitCode !== null || signal !== null) return;
  }
}
