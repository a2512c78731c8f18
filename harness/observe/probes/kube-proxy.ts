/** What kube-proxy counts about itself: syncs, their lengths, failed restores, changes that wait. */
import type { Probe } from './probe.ts';
import { parseMetrics } from './prometheus.ts';

const PREFIX = 'kubeproxy_';
const URL = 'http://127.0.0.1:10249/metrics';

export const kubeProxy: Probe = {
  name: 'kube-proxy',
  scope: 'node',
  source: {
    command: { argv: ['curl', '--silent', '--fail', '--max-time', '3', URL] },
    timeoutMs: 5_000,
  },
  everyMsMin: 1_000,
  parse: ({ stdout }) => parseKubeProxy(stdout ?? ''),
};

/**
 * Returns counters and gauges without their prefix, and the `_sum` and `_count` of histograms. Since 1.33 each has a
 * label `ip_family`, which older versions do not know: values are added up over it, of timestamps the oldest counts.
 * Other labels become part of the name, in order: `sync_proxy_rules_iptables_total.nat`.
 */
export function parseKubeProxy(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { name, labels, value } of parseMetrics(text, [
    PREFIX,
    'process_start_time_seconds',
  ])) {
    if (name.endsWith('_bucket')) continue;
    const others = Object.keys(labels)
      .filter((label) => label !== 'ip_family')
      .sort()
      .map((label) => `.${labels[label] ?? ''}`);
    const key = `${name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name}${others.join('')}`;
    const known = values[key];
    if (known === undefined) values[key] = value;
    else values[key] = name.endsWith('_timestamp_seconds') ? Math.min(known, value) : known + value;
  }
  return values;
}
