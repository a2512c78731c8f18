/** Every checker, in the order in which reports list them. A new one is a file and a line here. */
import type { Checker } from './checker.ts';
import { asPlanned } from './as-planned.ts';
import { cleanNode } from './clean-node.ts';
import { clockError } from './clock-error.ts';
import { dns } from './dns.ts';
import { dropCount } from './drop-count.ts';
import { faultWasFelt } from './fault-was-felt.ts';
import { flowSurvival } from './flow-survival.ts';
import { irqSpread } from './irq-spread.ts';
import { kubeProxyLog } from './kube-proxy-log.ts';
import { loadArrived } from './load-arrived.ts';
import { logSilence } from './log-silence.ts';
import { nodeReady } from './node-ready.ts';
import { requestErrors } from './request-errors.ts';
import { ruleFreshness } from './rule-freshness.ts';
import { runComplete } from './run-complete.ts';
import { selfNoise } from './self-noise.ts';
import { softirqStall } from './softirq-stall.ts';
import { upgradeDone } from './upgrade-done.ts';

/** Without these a pass would mean little; a scenario can set their parameters, and cannot leave them out. */
export const ALWAYS: readonly Checker<unknown>[] = [
  runComplete,
  faultWasFelt,
  loadArrived,
  selfNoise,
  upgradeDone,
  asPlanned,
  cleanNode,
];

export const CHECKERS: readonly Checker<unknown>[] = [
  ruleFreshness,
  dropCount,
  dns,
  requestErrors,
  flowSurvival,
  nodeReady,
  kubeProxyLog,
  logSilence,
  irqSpread,
  softirqStall,
  clockError,
  ...ALWAYS,
];
