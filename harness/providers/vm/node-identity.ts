/**
 * Who a node is to the API server: the certificate by which its kubelet asks. It is one file with its key, so that it is
 * replaced as a whole; a kubelet that runs takes up a new one by itself, for client-go reads what a kubeconfig names at each
 * handshake. By which one it answers: serving-certificate.ts.
 */
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { API_ADDRESS_OF_KUBELETS, API_PORT } from './addresses.ts';
import type { Kubeadm } from './kubeadm.ts';

/** On the node. */
export const CLIENT_PEM = '/etc/kubernetes/pki/kubelet-client.pem';

export interface NodeIdentity {
  /** Of its kubelet; names CLIENT_PEM, and the API server's address of kubelets. */
  readonly kubeconfig: string;
  readonly clientPem: string;
}

const kubeconfigSchema = z.looseObject({
  clusters: z.tuple([
    z.strictObject({ name: z.string(), cluster: z.looseObject({ server: z.url() }) }),
  ]),
  users: z.tuple([
    z.strictObject({
      name: z.string(),
      user: z.strictObject({
        'client-certificate-data': z.base64(),
        'client-key-data': z.base64(),
      }),
    }),
  ]),
});

/** A fresh one each time, of the same authority. */
export async function makeIdentity(
  { pki, folder, nodePhase }: Pick<Kubeadm, 'pki' | 'folder' | 'nodePhase'>,
  name: string,
): Promise<NodeIdentity> {
  const own = path.join(folder, `node-${name}`);
  const ownPki = path.join(own, 'pki');
  await rm(own, { recursive: true, force: true });
  await mkdir(ownPki, { recursive: true });
  for (const file of ['ca.crt', 'ca.key'])
    await copyFile(path.join(pki, file), path.join(ownPki, file));
  const phase = await nodePhase({ name, pki: ownPki, file: path.join(own, 'kubeadm.yaml') });
  await phase(['kubeconfig', 'kubelet', '--kubeconfig-dir', own]);
  return asFile(await readFile(path.join(own, 'kubelet.conf'), 'utf8'));
}

/** With files in place of certificates: what a kubeconfig holds itself, its reader never asks for again. */
function asFile(text: string): NodeIdentity {
  const config = kubeconfigSchema.parse(parse(text));
  const [{ name, user }] = config.users;
  const [{ name: of, cluster }] = config.clusters;
  const server = `https://${API_ADDRESS_OF_KUBELETS}:${API_PORT}`;
  const pem = (data: string): string => Buffer.from(data, 'base64').toString();
  const named = { 'client-certificate': CLIENT_PEM, 'client-key': CLIENT_PEM };
  return {
    kubeconfig: stringify({
      ...config,
      clusters: [{ name: of, cluster: { ...cluster, server } }],
      users: [{ name, user: named }],
    }),
    clientPem: pem(user['client-certificate-data']) + pem(user['client-key-data']),
  };
}
