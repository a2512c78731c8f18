/** Metrics of Kubernetes' own components, read from what a real kube-proxy printed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { parseCadvisor } from '../../../../harness/observe/probes/cadvisor.ts';
import { parseKubeProxy } from '../../../../harness/observe/probes/kube-proxy.ts';
import { parseMetrics } from '../../../../harness/observe/probes/prometheus.ts';

const METRICS = path.resolve(import.meta.dirname, '../../../fixtures/metrics');
const captured = readFileSync(path.join(METRICS, 'kube-proxy-1.34.3.txt'), 'utf8');

describe('metrics', () => {
  it('are read with their labels, whatever these hold', () => {
    const text =
      'a{b="x, y}\\" {",c=""} 1.5e+09\na 2 1700000000000\na{b="" 3\na NaN\na\n# a 4\nab 5';
    assert.deepEqual(parseMetrics(text, ['a']), [
      { name: 'a', labels: { b: 'x, y}\\" {', c: '' }, value: 1.5e9 },
      { name: 'a', labels: {}, value: 2 },
      { name: 'ab', labels: {}, value: 5 },
    ]);
  });

  it('never throw on damaged text', () => {
    fc.assert(
      fc.property(
        fc.nat(captured.length),
        fc.nat(200),
        fc.string({ unit: 'binary' }),
        (at, length, noise) => {
          const text = captured.slice(0, at) + noise + captured.slice(at + length);
          for (const values of [parseKubeProxy(text), parseCadvisor(text)])
            for (const value of Object.values(values)) assert.ok(Number.isFinite(value));
        },
      ),
    );
  });
});

describe('kube-proxy probe', () => {
  const values = parseKubeProxy(captured);

  it('adds up both families, and takes the oldest of their timestamps', () => {
    assert.equal(values['sync_proxy_rules_duration_seconds_count'], 2);
    assert.equal(values['sync_proxy_rules_iptables_total.filter'], 8);
    assert.equal(values['sync_proxy_rules_iptables_total.nat'], 10);
    const stamps = parseMetrics(captured, ['kubeproxy_sync_proxy_rules_last_timestamp_seconds']);
    assert.equal(stamps.length, 2);
    assert.equal(
      values['sync_proxy_rules_last_timestamp_seconds'],
      Math.min(...stamps.map(({ value }) => value)),
    );
  });

  it('gives an old version without families the same names', () => {
    const old = parseKubeProxy(
      'kubeproxy_sync_proxy_rules_iptables_total{table="nat"} 7\nkubeproxy_sync_proxy_rules_service_changes_total 3\n',
    );
    assert.deepEqual(old, {
      'sync_proxy_rules_iptables_total.nat': 7,
      sync_proxy_rules_service_changes_total: 3,
    });
    for (const name of Object.keys(old)) assert.ok(name in values, name);
  });

  it('says when the process began, and leaves the buckets out', () => {
    assert.ok((values['process_start_time_seconds'] ?? 0) > 1e9);
    assert.deepEqual(
      Object.keys(values).filter((name) => name.includes('_bucket')),
      [],
    );
  });
});

describe('cadvisor probe', () => {
  it('counts by pod and device, and leaves out what is no pod', () => {
    const line = (direction: string, labels: string, value: number): string =>
      `container_network_${direction}_packets_dropped_total{${labels}} ${value} 1700000000000\n`;
    const pod =
      'container="",id="/kubepods/x",image="pause",interface="eth0",name="x",namespace="d",pod="p"';
    const host = 'container="",id="/",image="",interface="eth0",name="",namespace="",pod=""';
    assert.deepEqual(
      parseCadvisor(line('receive', pod, 3) + line('transmit', pod, 0) + line('receive', host, 9)),
      { 'd/p.eth0.rx_dropped': 3, 'd/p.eth0.tx_dropped': 0 },
    );
  });
});
