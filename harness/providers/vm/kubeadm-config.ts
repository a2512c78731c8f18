/** What kubeadm is told about the cluster: it makes certificates, kubeconfigs and addons, and starts nothing. Pure. */
import { stringify } from 'yaml';
import type { Plan } from '../../core/plan.ts';
import { POD_SUBNET, SERVICE_SUBNET } from '../cluster-networks.ts';
import { API_ADDRESS, API_ADDRESS_OF_KUBELETS, API_PORT } from './addresses.ts';

export interface KubeadmInput {
  kubernetes: string;
  /** Folder of the certificates. */
  pki: string;
  proxyMode: Plan['proxyMode'];
  /** The node that something is made for. */
  node?: string;
}

export function kubeadmConfig(input: KubeadmInput): string {
  const { kubernetes, pki, proxyMode, node } = input;
  const newer = knowsV1beta4(kubernetes);
  const apiVersion = `kubeadm.k8s.io/${newer ? 'v1beta4' : 'v1beta3'}`;
  const documents = [
    {
      apiVersion,
      kind: 'InitConfiguration',
      localAPIEndpoint: { advertiseAddress: API_ADDRESS, bindPort: API_PORT },
      nodeRegistration: {
        name: node ?? 'control-plane',
        // Named, or kubeadm would look for one on this machine.
        criSocket: 'unix:///run/containerd/containerd.sock',
      },
    },
    {
      apiVersion,
      kind: 'ClusterConfiguration',
      kubernetesVersion: `v${kubernetes}`,
      certificatesDir: pki,
      controlPlaneEndpoint: `${API_ADDRESS}:${API_PORT}`,
      apiServer: { certSANs: [API_ADDRESS_OF_KUBELETS] },
      networking: { podSubnet: POD_SUBNET, serviceSubnet: SERVICE_SUBNET },
      // An emulated CPU takes a tenth of a second for each handshake with RSA.
      ...(newer ? { encryptionAlgorithm: 'ECDSA-P256' } : {}),
    },
    {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: proxyMode,
    },
  ];
  return documents.map((document) => stringify(document)).join('---\n');
}

function knowsV1beta4(kubernetes: string): boolean {
  const [major = 0, minor = 0] = kubernetes.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 31);
}
