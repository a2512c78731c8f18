/**
 * Who a node is to others: the certificate by which its kubelet asks, and the one by which it answers. Each is one file with
 * its key, so that it is replaced as a whole; a kubelet that runs takes up a new one by itself: client-go reads what a
 * kubeconfig names at each handshake, and the kubelet watches its own (ReloadKubeletServerCertificateFile, on since 1.31).
 * It answers by that one whoever names it (SNI); to who asks by its address it shows the one that it started with, for
 * crypto/tls prefers what ListenAndServeTLS was given then (pkg/kubelet/server/server.go).
 */
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { API_ADDRESS_OF_KUBELETS, API_PORT } from './addresses.ts';
import type { Kubeadm } from './kubeadm.ts';

/** On the node. */
export const CLIENT_PEM = '/etc/kubernetes/pki/kubelet-client.pem';
export const SERVER_PEM = '/etc/kubernetes/pki/kubelet-server.pem';

export interface NodeIdentity {
  /** Of its kubelet; names CLIENT_PEM, and the API server's address of kubelets. */
  readonly kubeconfig: string;
  readonly clientPem: string;
  readonly serverPem: string;
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
  node: { name: string; address: string },
): Promise<NodeIdentity> {
  const own = path.join(folder, `node-${node.name}`);
  const ownPki = path.join(own, 'pki');
  await rm(own, { recursive: true, force: true });
  await mkdir(path.join(ownPki, 'etcd'), { recursive: true });
  for (const name of ['ca.crt', 'ca.key']) {
    await copyFile(path.join(pki, name), path.join(ownPki, name));
    // kubeadm makes none for kubelets that answer; what it makes for an etcd on a node is the same, of the authority there.
    await copyFile(path.join(pki, name), path.join(ownPki, 'etcd', name));
  }
  const [client, server] = await Promise.all([
    // Without the node's address: kubeadm would take it for the API server's.
    nodePhase({ name: node.name, pki: ownPki, file: path.join(own, 'client.yaml') }),
    nodePhase({ ...node, pki: ownPki, file: path.join(own, 'server.yaml') }),
  ]);
  await Promise.all([
    client(['kubeconfig', 'kubelet', '--kubeconfig-dir', own]),
    server(['certs', 'etcd-server']),
  ]);
  const text = (name: string): Promise<string> => readFile(path.join(own, name), 'utf8');
  return {
    ...asFile(await text('kubelet.conf')),
    serverPem: (await text('pki/etcd/server.crt')) + (await text('pki/etcd/server.key')),
  };
}

/** With files in place of certificates: what a kubeconfig holds itself, its reader never asks for again. */
function asFile(text: string): Pick<NodeIdentity, 'kubeconfig' | 'clientPem'> {
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
