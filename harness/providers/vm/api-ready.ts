/** Whether the API server answers that it is ready. */
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import path from 'node:path';
import { waitFor } from '../../core/deadline.ts';
import { API_ADDRESS, API_PORT } from './addresses.ts';

const EVERY_MS = 25;
const ASK_MS = 3_000;
/**
 * Hooks that make objects which a saved cluster has already: they look at each again, a second after it serves. Nobody
 * waits for that.
 */
export const MADE_ONCE = [
  'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes',
];

/**
 * @param pki folder with `ca.crt`
 * @param without names of its checks that need not be met
 */
export async function untilApiReady(
  pki: string,
  {
    without,
    timeoutMs,
    signal,
  }: { without: readonly string[]; timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const ca = await readFile(path.join(pki, 'ca.crt'), 'utf8');
  const wait = { what: 'the API server to be ready', timeoutMs, everyMs: EVERY_MS, signal };
  await waitFor(wait, async () => ((await readyz(ca, without)) === 200 ? true : undefined));
}

function readyz(ca: string, without: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const query = new URLSearchParams(without.map((name): [string, string] => ['exclude', name]));
    const url = `https://${API_ADDRESS}:${API_PORT}/readyz?${query.toString()}`;
    const asked = request(url, { ca, timeout: ASK_MS, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
}
