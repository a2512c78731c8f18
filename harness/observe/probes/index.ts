/** Every probe that a run reads. One line for each; nothing registers itself. */
import { cadvisor } from './cadvisor.ts';
import { conntrack } from './conntrack.ts';
import { dropRules } from './drop-rules.ts';
import { interrupts, softirqs } from './interrupts.ts';
import { irqs } from './irqs.ts';
import { kubeProxy } from './kube-proxy.ts';
import { netdev } from './netdev.ts';
import type { Probe } from './probe.ts';
import { qdisc } from './qdisc.ts';
import { netstat, snmp } from './snmp.ts';
import { softnet } from './softnet.ts';

export const PROBES: readonly Probe[] = [
  softnet,
  netdev,
  snmp,
  netstat,
  conntrack,
  interrupts,
  softirqs,
  irqs,
  qdisc,
  dropRules,
  kubeProxy,
  cadvisor,
];
