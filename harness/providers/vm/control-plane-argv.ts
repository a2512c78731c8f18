/**
 * How the programs of the control plane are started: as small as they get without behaving differently. Leases, grace
 * periods and everything else that a scenario may meet stay as upstream has them. Pure.
 */
import path from 'node:path';
import { POD_SUBNET, SERVICE_SUBNET } from '../cluster-networks.ts';
import { API_ADDRESS, API_PORT } from './addresses.ts';

const ETCD_CLIENTS = 'http://127.0.0.1:2379';
const ETCD_PEERS = 'http://127.0.0.1:2380';

/** What no run of ours has: volumes, autoscaling, clouds, and certificates that are asked for. */
const CONTROLLERS_OFF = [
  ...['horizontalpodautoscaling', 'cronjob', 'ttl-after-finished'],
  ...['attachdetach', 'persistentvolume-binder', 'persistentvolume-expander'],
  ...['pvc-protection', 'pv-protection', 'ephemeral-volume'],
  // A saved cluster has requests that may be old when it goes on.
  ...['csrcleaner', 'csrapproving', 'bootstrapsigner', 'tokencleaner'],
  // Pod ranges follow from a node's number; the controller gives them in the order of arrival.
  ...['nodeipam', 'route', 'service', 'cloud-node-lifecycle'],
];

/** Nobody reads its data after the run, so it need not wait for the disk. */
export function etcdArgs(dataDir: string): string[] {
  return [
    ...['--name', 'default', '--data-dir', dataDir, '--unsafe-no-fsync', '--log-level', 'warn'],
    ...['--listen-client-urls', ETCD_CLIENTS, '--advertise-client-urls', ETCD_CLIENTS],
    ...['--listen-peer-urls', ETCD_PEERS, '--initial-advertise-peer-urls', ETCD_PEERS],
    ...['--initial-cluster', `default=${ETCD_PEERS}`],
  ];
}

export function apiServerArgs(pki: string): string[] {
  const file = (name: string): string => path.join(pki, name);
  return [
    ...['--etcd-servers', ETCD_CLIENTS],
    // At every address of the run's own network namespace.
    ...['--advertise-address', API_ADDRESS, '--bind-address', '0.0.0.0'],
    ...['--secure-port', String(API_PORT), '--service-cluster-ip-range', SERVICE_SUBNET],
    ...['--authorization-mode', 'Node,RBAC', '--enable-admission-plugins', 'NodeRestriction'],
    '--allow-privileged=true',
    ...['--client-ca-file', file('ca.crt')],
    ...['--tls-cert-file', file('apiserver.crt'), '--tls-private-key-file', file('apiserver.key')],
    ...['--kubelet-client-certificate', file('apiserver-kubelet-client.crt')],
    ...['--kubelet-client-key', file('apiserver-kubelet-client.key')],
    ...['--kubelet-preferred-address-types', 'InternalIP'],
    ...['--service-account-key-file', file('sa.pub')],
    ...['--service-account-signing-key-file', file('sa.key')],
    ...['--service-account-issuer', 'https://kubernetes.default.svc.cluster.local'],
    ...['--requestheader-client-ca-file', file('front-proxy-ca.crt')],
    ...['--requestheader-allowed-names', 'front-proxy-client'],
    ...['--requestheader-username-headers', 'X-Remote-User'],
    ...['--requestheader-group-headers', 'X-Remote-Group'],
    ...['--requestheader-extra-headers-prefix', 'X-Remote-Extra-'],
    '--profiling=false',
  ];
}

/** There is one of each, so nobody is elected. */
export function controllerManagerArgs(pki: string, kubeconfig: string): string[] {
  return [
    ...['--kubeconfig', kubeconfig, '--bind-address', '127.0.0.1', '--leader-elect=false'],
    ...['--use-service-account-credentials', '--root-ca-file', path.join(pki, 'ca.crt')],
    ...['--service-account-private-key-file', path.join(pki, 'sa.key')],
    ...['--cluster-signing-cert-file', path.join(pki, 'ca.crt')],
    ...['--cluster-signing-key-file', path.join(pki, 'ca.key')],
    `--controllers=${['*', ...CONTROLLERS_OFF.map((name) => `-${name}`)].join(',')}`,
    ...['--allocate-node-cidrs=false', '--cluster-cidr', POD_SUBNET],
    '--profiling=false',
  ];
}

export function schedulerArgs(kubeconfig: string): string[] {
  return [
    ...['--kubeconfig', kubeconfig, '--authentication-kubeconfig', kubeconfig],
    ...['--authorization-kubeconfig', kubeconfig, '--bind-address', '127.0.0.1'],
    ...['--leader-elect=false', '--profiling=false'],
  ];
}
