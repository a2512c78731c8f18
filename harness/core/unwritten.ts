/** A disk that did not take what it was given, as an error of the world: which file, why, and what to do. */
import { getSystemErrorMap } from 'node:util';
import { CoalmineError, messageOf } from './errors.ts';

/** `provision`: what the run stands on is gone, which says nothing about the cluster. */
export function unwritten(file: string, cause: unknown): CoalmineError {
  return new CoalmineError('provision', `${file} cannot be written: ${reasonOf(cause)}`, {
    cause,
    wayOut: 'Free room on that disk, or name another place with --reports DIR.',
  });
}

/** The system's own words, for example `no space left on device`. */
function reasonOf(cause: unknown): string {
  const { errno } = cause as NodeJS.ErrnoException;
  const [, words] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  return words ?? messageOf(cause);
}
