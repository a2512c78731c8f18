/** Whether what runs on a node answers this side at its health port. */
import { waitFor } from '../../core/deadline.ts';

/** Defaults of every version; the kubelet's is its read-only port, which join-files.ts opens. */
const HEALTH = {
  'kube-proxy': { port: 10_256, path: '/healthz' },
  kubelet: { port: 10_255, path: '/healthz' },
} as const;
/** Without KVM, a node that also boots takes a minute. */
const SERVES_MS = 180_000;
const ASK_MS = 2_000;
const EVERY_MS = 100;

export async function untilServes(
  who: keyof typeof HEALTH,
  address: string,
  signal: AbortSignal,
): Promise<void> {
  const { port, path } = HEALTH[who];
  const url = `http://${address}:${port}${path}`;
  const what = `${who} to serve on ${address}`;
  await waitFor({ what, timeoutMs: SERVES_MS, everyMs: EVERY_MS, signal }, async () => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) }).catch(() => undefined);
    return answer?.ok === true ? true : undefined;
  });
}
