/**
 * What kubelets tell the API server of themselves: each renews its node's lease every ten seconds, a quarter of its length
 * (nodeLeaseDurationSeconds). That the API server has a new one proves that they reach each other.
 */
import { z } from 'zod';
import { waitFor } from '../../core/deadline.ts';
import type { KubeApi } from '../../core/kube.ts';

/** The controller manager waits as long before it takes a node for lost. */
const LOST_MS = 40_000;
/** Of a lease that will be renewed in a second. */
const DUE_MS = 9_000;
const EVERY_MS = 100;

const leaseSchema = z.object({ spec: z.object({ renewTime: z.iso.datetime() }) });

/** When a node renewed its lease last, as its kubelet wrote it: only good to see that it did so again. */
export async function lastHeartbeat(kube: KubeApi, node: string): Promise<string> {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    namespace: 'kube-node-lease',
  };
  return leaseSchema.parse(await kube.get({ ...lease, name: node })).spec.renewTime;
}

/** Waits until a node has renewed its lease; by which clock does not matter. */
export async function untilHeartbeat(
  kube: KubeApi,
  node: string,
  before: string,
  signal: AbortSignal,
): Promise<void> {
  const wait = { what: `a heartbeat of ${node}`, timeoutMs: LOST_MS, everyMs: EVERY_MS, signal };
  await waitFor(wait, async () =>
    (await lastHeartbeat(kube, node)) === before ? undefined : true,
  );
}

/**
 * Waits until the next heartbeat is due: who goes on from here need not wait for it long. It is no error where it does not
 * come to that.
 */
export async function untilHeartbeatIsDue(
  kube: KubeApi,
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const wait = { what: 'a heartbeat to be due', timeoutMs: LOST_MS, everyMs: EVERY_MS, signal };
  await waitFor(wait, async () => {
    const all = await Promise.all(
      nodes.map(async (node) => Date.parse(await lastHeartbeat(kube, node))),
    );
    return Date.now() - Math.min(...all) >= DUE_MS ? true : undefined;
  }).catch(() => {
    signal.throwIfAborted();
  });
}
