/**
 * The certificate by which a kubelet answers. It asks for one as soon as it knows its addresses (serverTLSBootstrap), and gets
 * it when the cluster is there for a run: one that is saved is saved with the question open, so that each that goes on from it
 * gets a certificate of its own. The key is the kubelet's, which made it before; nothing else it shows to whoever asks by its
 * address would change without a restart: a file (tlsCertFile) that is new it shows only to who asks by its name, for
 * crypto/tls prefers what ListenAndServeTLS was given at the start (pkg/kubelet/server/server.go, seen on 1.34.3).
 */
import { z } from 'zod';
import { waitFor } from '../../core/deadline.ts';
import { approveRequest } from '../kube-approve.ts';
import type { Api } from './start-api.ts';

const SIGNER = 'kubernetes.io/kubelet-serving';
const KIND = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' } as const;
const GRANT_MS = 60_000;
const EVERY_MS = 50;
const WHY = { reason: 'Coalmine', message: 'a node of a cluster of its own' } as const;

const requestSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ signerName: z.string(), username: z.string() }),
  status: z
    .object({ conditions: z.array(z.unknown()).default([]), certificate: z.string().optional() })
    .default({ conditions: [] }),
});

/** Resolves once what a node's kubelet asked for is signed. Waits for the question, too. */
export async function grantServing(
  { kube, controlPlane }: Api,
  node: string,
  signal: AbortSignal,
): Promise<void> {
  const wait = { timeoutMs: GRANT_MS, everyMs: EVERY_MS, signal };
  const what = `the kubelet of ${node} to ask for its certificate`;
  const names = await waitFor({ ...wait, what }, async () => {
    const all = z.array(requestSchema).parse(await kube.list(KIND));
    const open = all.filter(
      ({ spec, status }) =>
        spec.signerName === SIGNER &&
        spec.username === `system:node:${node}` &&
        status.conditions.length === 0,
    );
    return open.length === 0 ? undefined : open.map(({ metadata }) => metadata.name);
  });
  for (const name of names) await approveRequest(controlPlane.kubeconfig, name, WHY);
  await waitFor({ ...wait, what: `the certificate of ${node} to be signed` }, async () => {
    const found = requestSchema.parse(await kube.get({ ...KIND, name: names.at(-1) ?? '' }));
    return found.status.certificate === undefined ? undefined : true;
  });
}
