/** Approves a certificate signing request: a subresource, which the verbs on plain objects do not reach. */
import { messageOf, CoalmineError } from '../core/errors.ts';
import { loadClient } from './kube.ts';

/** @param reason one word, as the API wants it */
export async function approveRequest(
  kubeconfig: string,
  name: string,
  { reason, message }: { reason: string; message: string },
): Promise<void> {
  const client = await loadClient();
  const config = new client.KubeConfig();
  config.loadFromFile(kubeconfig);
  const certificates = config.makeApiClient(client.CertificatesV1Api);
  const conditions = [{ type: 'Approved', status: 'True', reason, message }];
  try {
    await certificates.patchCertificateSigningRequestApproval(
      { name, body: { status: { conditions } } },
      client.setHeaderOptions('Content-Type', client.PatchStrategy.MergePatch),
    );
  } catch (error) {
    throw new CoalmineError('kube', `approve the request ${name}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
