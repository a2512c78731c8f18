/** A command is data: an argv array, never a shell string. An executor runs it somewhere: here, or on a node. */
export interface Command {
  argv: readonly [string, ...string[]];
  env?: Readonly<Record<string, string>>;
  /** Text written to standard input, which is then closed. */
  stdin?: string;
}

export interface RunOptions {
  /** Hard limit; the whole process group is killed when it passes. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/** How a command ended. A non-zero exit is a value here; only `runOrThrow` turns it into an error. */
export interface Completed {
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface Executor {
  /** Where it runs, for messages: `local` or a node's name. */
  readonly name: string;
  /** Throws CoalmineError `command` when it cannot be started or passes its limit, `agent` when the node is out of reach. */
  run(command: Command, options: RunOptions): Promise<Completed>;
}

/** Returns the command as one could paste it into a POSIX shell. */
export function prettyCommand(command: Command): string {
  const env = Object.entries(command.env ?? {}).map(([key, value]) => `${key}=${quote(value)}`);
  return [...env, ...command.argv.map(quote)].join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
