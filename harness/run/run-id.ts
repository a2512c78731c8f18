/** A run's id is in the name of every object that the run makes; short, because a node's host name has 63 characters. */
import { randomBytes } from 'node:crypto';

/** Returns `YYYYMMDD-HHMMSS-xxxx`, in UTC. */
export function newRunId(now: Date): string {
  const digits = now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${digits}-${randomBytes(2).toString('hex')}`;
}
