/**
 * How long the nodes of a new cluster may take to be Ready. A slow machine needs more; whoever tries an image whose nodes do
 * not come wants to know sooner.
 */
import { parseDuration } from '../core/duration.ts';
import { CoalmineError } from '../core/errors.ts';

const VARIABLE = 'COALMINE_READY_TIMEOUT';
const DEFAULT_MS = 180_000;

export function readyLimitMs(env: Readonly<Record<string, string | undefined>>): number {
  const text = env[VARIABLE];
  if (text === undefined || text === '') return DEFAULT_MS;
  const limitMs = parseDuration(text);
  if (limitMs !== undefined && limitMs > 0) return limitMs;
  throw new CoalmineError('usage', `${VARIABLE} is '${text}'`, {
    wayOut: 'Write a duration with its unit, such as 90s or 10m.',
  });
}
