/** Builds histories for tests, event by event, as a run would have written them. */
import type { Environment } from '../../harness/core/environment.ts';
import type { EventOf, History, HistoryEvent, Sample } from '../../harness/core/history.ts';
import type { Plan, PlannedPhase } from '../../harness/core/plan.ts';

export function planOf(changes: Partial<Plan> = {}): Plan {
  return {
    version: 1,
    runId: '20261122-120000-abcd',
    scenario: 'example',
    why: 'to have one',
    reads: [],
    cell: '',
    provider: 'kind',
    nodes: 2,
    proxyMode: 'iptables',
    components: { kubernetes: '1.34.3', 'kube-proxy': '1.34.3' },
    sampleEveryMs: 1_000,
    rulesEveryMs: 500,
    replicas: 2,
    load: [],
    phases: [],
    checks: [],
    notes: [],
    ...changes,
  };
}

export function environmentOf(changes: Partial<Environment> = {}): Environment {
  return {
    version: 1,
    startedAt: '2026-11-22T12:00:00.000Z',
    argv: ['run', 'example'],
    coalmine: { version: '0.1.0', commit: null },
    host: { kernel: '6.18.0', arch: 'x64', cpus: 2, memoryMiB: 4_096, node: 'v20.20.2' },
    ...changes,
  };
}

/** `{ baseline: 20, fault: 10 }` are phases of 20 s and 10 s, one right after the other, beginning at 10 s. */
export function historyOf(
  phaseSeconds: Readonly<Record<string, number>>,
  changes: {
    plan?: Partial<Plan>;
    phases?: Readonly<Record<string, Partial<PlannedPhase>>>;
    events?: readonly HistoryEvent[];
    samples?: readonly Sample[];
    logs?: Readonly<Record<string, string>>;
    /** What happened to the run at its end; default: it ended. */
    end?: EventOf<'run'> | undefined;
    /** How the nodes were compared with how they were before; default: all of them, whole. */
    proofs?: readonly HistoryEvent[];
    /** What kubelets and kube-proxies said of themselves before the first phase; default: what the plan says. */
    said?: readonly HistoryEvent[];
  } = {},
): History {
  let tMs = 10_000;
  const spans: HistoryEvent[] = [];
  const phases: PlannedPhase[] = [];
  for (const [name, seconds] of Object.entries(phaseSeconds)) {
    const forMs = seconds * 1_000;
    phases.push({ name, forMs, ...changes.phases?.[name] });
    spans.push({ tMs, kind: 'phase', phase: name, state: 'started' });
    tMs += forMs;
    spans.push({ tMs, kind: 'phase', phase: name, state: 'ended' });
  }
  const end: HistoryEvent = { tMs: tMs + 1_000, kind: 'run', state: 'ended' };
  const plan = planOf({ phases, ...changes.plan });
  const nodes = Array.from({ length: plan.nodes }, (_, index) => `w${index + 1}`);
  const proofs = nodes.map((node): HistoryEvent => ({
    ...{ tMs: tMs + 500, kind: 'node-compared', node },
    ...{ compared: ['iptables'], missing: [] },
  }));
  const events: HistoryEvent[] = [
    { tMs: 0, kind: 'run', state: 'started', detail: '2026-11-22T12:00:00.000Z' },
    ...(changes.said ?? nodes.flatMap((node) => saidBy(node, plan))),
    ...spans,
    ...(changes.events ?? []),
    ...(changes.proofs ?? proofs),
    ...('end' in changes ? (changes.end === undefined ? [] : [changes.end]) : [end]),
  ];
  return {
    plan,
    events: events.sort((a, b) => a.tMs - b.tMs),
    samples: [...(changes.samples ?? [])].sort((a, b) => a.tMs - b.tMs),
    logs: new Map(Object.entries(changes.logs ?? {})),
  };
}

function saidBy(node: string, { components, proxyMode: mode }: Plan): HistoryEvent[] {
  const { kubernetes = '', 'kube-proxy': version = '' } = components;
  return [
    { tMs: 8_000, kind: 'kubelet', node, version: kubernetes },
    { tMs: 9_000, kind: 'proxy', node, mode, version },
  ];
}
