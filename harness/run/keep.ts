/** Whether a cluster stays for a person to look at. Decided by what the run has shown, which only its files can say. */
import type { EventOf } from '../core/history.ts';
import { controlVerdict } from '../report/control.ts';
import { judgeSoFar } from './check.ts';

/**
 * `on-failure` is everything but a clean pass, or a control that came out otherwise than stated; a run that its user interrupted has not failed.
 *
 * @param dir the run directory, with everything in it but the run's end
 */
export function isToKeep(
  keep: 'never' | 'on-failure' | 'always',
  dir: string,
  end: EventOf<'run'>,
): boolean {
  if (keep !== 'on-failure') return keep === 'always';
  if (end.state === 'interrupted') return false;
  try {
    const result = judgeSoFar(dir, end);
    return (controlVerdict(result) ?? result).exitCode !== 0;
  } catch {
    return true; // what cannot be judged did not pass
  }
}
