/** What the caller gave by --env (../k6-argv.ts), and the options that both scripts share. */
import type { Options } from 'k6/options';

function setting(name: string): string {
  const value = __ENV[name];
  if (value === undefined) throw new Error(`--env ${name}=... is missing`);
  return value;
}

export const url = setting('TARGET_URL');
export const timeoutMs = Number(setting('TIMEOUT_MS'));
const users = Number(setting('USERS'));
/** Each user's own share of the rate. */
export const periodMs = (1_000 * users) / Number(setting('RATE'));

/** An iteration is one printed line; the one that runs when the time is over is let finish (k6: for 30 s). */
export function sharedOptions(): Options {
  return {
    vus: users,
    duration: `${setting('DURATION_MS')}ms`,
    setupTimeout: '120s',
    discardResponseBodies: true,
    maxRedirects: 0,
    // Cached for five minutes otherwise; a new connection of a real client asks again.
    dns: { ttl: '0', select: 'first', policy: 'preferIPv4' },
  };
}
