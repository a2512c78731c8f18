/** What a person reads when something went wrong, and the exit code that a script reads. */
import { adviceOf, CoalmineError, type ErrorCode } from '../core/errors.ts';

const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  history: 2,
  preflight: 4,
  component: 4,
  provision: 4,
  command: 6,
  agent: 6,
  kube: 6,
  deadline: 6,
  inject: 6,
  undo: 5,
};

/** 6 for what nobody foresaw. */
export function exitCodeOf(error: unknown): number {
  return error instanceof CoalmineError ? EXIT_CODES[error.code] : 6;
}

/** One line of cause and one of way out for errors of the world; the stack for wrong code, because it is a bug report. */
export function explain(error: unknown): string {
  if (error instanceof CoalmineError) return `coalmine: ${adviceOf(error)}`;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `coalmine: internal error, please report it:\n${text}`;
}
