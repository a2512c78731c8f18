/**
 * The kubelet's own count of what pods dropped, which is what most people have an alarm on. It sees only the namespace of
 * each pod: drops of the node's devices and of its CPUs are in netdev and softnet, and a zero here proves nothing.
 */
import type { Probe } from './probe.ts';
import { parseMetrics } from './prometheus.ts';

/** The kubelet's read-only port: its other one wants credentials that a node does not have for itself. */
const URL = 'http://127.0.0.1:10255/metrics/cadvisor';

const DIRECTIONS = {
  container_network_receive_packets_dropped_total: 'rx_dropped',
  container_network_transmit_packets_dropped_total: 'tx_dropped',
} as const;

export const cadvisor: Probe = {
  name: 'cadvisor',
  scope: 'node',
  source: {
    command: { argv: ['curl', '--silent', '--fail', '--max-time', '8', URL] },
    timeoutMs: 10_000,
  },
  // The kubelet itself looks only every ten seconds, and the answer is long.
  everyMsMin: 10_000,
  parse: ({ stdout }) => parseCadvisor(stdout ?? ''),
};

/** Returns `kube-system/coredns-x.eth0.rx_dropped`; what belongs to no pod is left out. */
export function parseCadvisor(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { name, labels, value } of parseMetrics(text, Object.keys(DIRECTIONS))) {
    const { namespace = '', pod = '', interface: device = '' } = labels;
    if (namespace === '' || pod === '' || device === '') continue;
    values[`${namespace}/${pod}.${device}.${DIRECTIONS[name as keyof typeof DIRECTIONS]}`] = value;
  }
  return values;
}
