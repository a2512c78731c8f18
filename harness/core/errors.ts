/**
 * Errors of the world: what can go wrong outside our code. A caller branches on `code`, never on text.
 * `wayOut` is one sentence that tells a person what to do next.
 */
export type ErrorCode =
  | 'usage' // wrong command line, bad scenario: nothing was touched
  | 'preflight' // the machine or the target cannot serve the plan: nothing was touched
  | 'component' // no source could give a component
  | 'provision' // the cluster could not be made
  | 'command' // a process could not be started, failed, or ran into its deadline
  | 'agent' // the stream to a node agent broke or spoke nonsense
  | 'kube' // the Kubernetes API refused a call, or could not be reached
  | 'deadline' // a wait ran into its limit
  | 'inject' // a fault could not be put in force, or touched nothing
  | 'undo' // an undo could not be confirmed: the target is dirty
  | 'history'; // a run directory is missing, damaged or of another version

export class CoalmineError extends Error {
  override readonly name = 'CoalmineError';
  readonly code: ErrorCode;
  readonly wayOut: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { wayOut?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.wayOut = options.wayOut;
  }
}

/** Returns the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the message, and what a person can do where that is known. */
export function adviceOf(error: unknown): string {
  const wayOut = error instanceof CoalmineError ? error.wayOut : undefined;
  return [messageOf(error), ...(wayOut === undefined ? [] : [wayOut])].join('\n');
}

/** Returns whether `error` is an error of the world with the given code. */
export function hasCode(error: unknown, code: ErrorCode): error is CoalmineError {
  return error instanceof CoalmineError && error.code === code;
}
