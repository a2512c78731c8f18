/**
 * What makes a booted machine a node of the cluster, as files: its name, its addresses, its kubelet, its pod network. They
 * lie on the machine's own disk, so that it is the same node again after a reboot. Pure.
 */
import { stringify } from 'yaml';
import type { Command } from '../../core/command.ts';
import { DNS_ADDRESS } from '../cluster-networks.ts';
import { cniConflist, CONFLIST_FILE, routeCommands, type PodRange } from '../pod-network.ts';
import { CLIENT_PEM, type NodeIdentity } from './node-identity.ts';
import { API_ADDRESS, nodeAddress, podRange, testNicAddress, withPrefix } from './addresses.ts';

export const NETWORK_UNIT = 'coalmine-network.service';
const NETWORK_BATCH = '/etc/coalmine/network.batch';
const RESOLV_CONF = '/etc/coalmine/resolv.conf';
const KUBELET_CONFIG = '/etc/kubernetes/kubelet.yaml';
const KUBECONFIG = '/etc/kubernetes/kubelet.conf';
const CA = '/etc/kubernetes/pki/ca.crt';

export interface NodeFile {
  path: string;
  content: string;
  mode: number;
}

export interface Joining {
  /** Names of all nodes of the cluster, in order. */
  nodes: readonly string[];
  /** Which of them joins. */
  index: number;
  testNics: number;
  identity: NodeIdentity;
  /** The cluster's certificate authority. */
  ca: string;
}

export function joinFiles(joining: Joining): NodeFile[] {
  const { nodes, index, identity, ca } = joining;
  const name = nodes[index] ?? '';
  const file = (path: string, content: string, mode = 0o644): NodeFile => ({ path, content, mode });
  return [
    file('/etc/hostname', `${name}\n`),
    file('/etc/hosts', `127.0.0.1 localhost\n${nodeAddress(index)} ${name}\n`),
    // Nobody answers there, and says so at once: a name outside of the cluster fails quickly instead of timing out.
    file(RESOLV_CONF, `nameserver ${API_ADDRESS}\n`),
    file(NETWORK_BATCH, networkBatch(joining)),
    file(`/etc/systemd/system/${NETWORK_UNIT}`, networkUnit(joining)),
    file(CONFLIST_FILE, cniConflist(podRange(index))),
    file(CA, ca),
    file(KUBECONFIG, identity.kubeconfig),
    pemFile(identity),
    file(KUBELET_CONFIG, kubeletConfig()),
    file('/etc/default/kubelet', kubeletArguments(name, nodeAddress(index))),
  ];
}

/** What a node is known by; all else stays when it gets a new one. */
export function pemFile({ clientPem }: NodeIdentity): NodeFile {
  return { path: CLIENT_PEM, content: clientPem, mode: 0o600 };
}

/** What `ip -batch` does: the addresses, and the routes to the pods of the other nodes. */
export function networkBatch(joining: Joining): string {
  const { index, testNics } = joining;
  const nic = (device: string, address: string): string[] => [
    `link set ${device} up`,
    `address replace ${withPrefix(address)} dev ${device}`,
  ];
  const testNic = (_: unknown, k: number): string[] => nic(`eth${k + 1}`, testNicAddress(index, k));
  return lines([
    'link set lo up',
    ...nic('eth0', nodeAddress(index)),
    `route replace default via ${API_ADDRESS}`,
    ...Array.from({ length: testNics }, testNic).flat(),
    ...routesOf(joining)
      .filter(({ argv }) => argv[0] === 'ip')
      .map(({ argv }) => argv.slice(1).join(' ')),
  ]);
}

function networkUnit(joining: Joining): string {
  return lines([
    '[Unit]',
    'Description=addresses and routes of the node',
    'Before=containerd.service kubelet.service',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    // A NIC that is away for a while must not keep the others from their addresses.
    `ExecStart=-/sbin/ip -force -batch ${NETWORK_BATCH}`,
    ...routesOf(joining)
      .filter(({ argv }) => argv[0] !== 'ip')
      .map(({ argv }) => `ExecStart=/usr/sbin/${argv.map(quote).join(' ')}`),
  ]);
}

function routesOf({ nodes, index }: Joining): Command[] {
  const ranges = nodes.map((node, i): PodRange => ({
    node,
    address: nodeAddress(i),
    podCidr: podRange(i),
  }));
  const own = ranges[index];
  return own === undefined ? [] : routeCommands(own, ranges);
}

/** systemd's own quoting. */
function quote(word: string): string {
  return /\s/.test(word) ? `"${word}"` : word;
}

export function kubeletConfig(): string {
  return stringify({
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    // See serving-certificate.ts.
    serverTLSBootstrap: true,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: CA },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'systemd',
    clusterDNS: [DNS_ADDRESS],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    failSwapOn: false,
    resolvConf: RESOLV_CONF,
    // For the probe of the kubelet's own drop counters; the cluster lives for minutes and serves nobody.
    readOnlyPort: 10_255,
    // A node whose disk is the size of its images would evict pods and collect the images that it cannot pull again.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
  });
}

function kubeletArguments(name: string, address: string): string {
  const words = [
    `--config=${KUBELET_CONFIG}`,
    `--kubeconfig=${KUBECONFIG}`,
    `--hostname-override=${name}`,
    `--node-ip=${address}`,
  ];
  return `KUBELET_ARGS="${words.join(' ')}"\n`;
}

function lines(texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}
