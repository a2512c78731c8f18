/**
 * A Docker engine as the rest of the kind provider sees it: the user's own, or one that coalmine started for this run.
 * Everything that talks to Docker goes through it, so that nothing lands on the wrong engine.
 */
import type { Command, Completed, RunOptions } from '../../core/command.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';

export interface Engine {
  readonly kind: 'user' | 'private';
  /** What `DOCKER_HOST` would be: `unix:///…/docker.sock`; for messages. */
  readonly host: string;
  /** What a child (docker, kind) needs in its environment to talk to this engine and no other. */
  env(): Record<string, string>;
  /** `docker ARGS` as data, for a journal or a stream; runs on the controller's machine. */
  command(args: readonly string[], stdin?: string): Command;
  /** Runs `docker ARGS`; a non-zero exit is a value. */
  run(args: readonly string[], options: RunOptions & { stdin?: string }): Promise<Completed>;
  /** Runs `docker ARGS` and returns its stdout; a non-zero exit throws `command`. */
  docker(args: readonly string[], options: RunOptions & { stdin?: string }): Promise<string>;
  /** Ends a private engine and all its containers; does nothing to the user's. Idempotent. */
  close(): Promise<void>;
}

/** Builds the verbs of an engine from the environment that reaches it. */
export function engineAt(
  kind: Engine['kind'],
  host: string,
  env: Readonly<Record<string, string>>,
  close: () => Promise<void>,
): Engine {
  const command = (args: readonly string[], stdin?: string): Command => ({
    argv: ['docker', ...args],
    env: { ...env },
    ...(stdin === undefined ? {} : { stdin }),
  });
  return {
    kind,
    host,
    env: () => ({ ...env }),
    command,
    run: (args, { stdin, ...options }) => local.run(command(args, stdin), options),
    docker: (args, { stdin, ...options }) => runOrThrow(local, command(args, stdin), options),
    close,
  };
}
