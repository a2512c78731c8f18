/** Judges a history: pure, from the files alone, as often as wanted. */
import { z } from 'zod';
import type { Environment } from '../core/environment.ts';
import { messageOf } from '../core/errors.ts';
import { exitCodeFor } from '../core/exit-code.ts';
import { eventsOf, type History } from '../core/history.ts';
import type { PluginUse } from '../core/plan.ts';
import { DETAILS_MAX, type JudgedFinding, type RunResult } from '../core/result.ts';
import type { Checker } from './checkers/checker.ts';
import { ALWAYS, CHECKERS } from './checkers/index.ts';
import { reduce } from './verdict.ts';
import { phaseSpans } from './windows.ts';

/** `checkers` is for tests; a run is judged by all that there are. */
export function judge(
  history: History,
  environment: Environment,
  checkers: readonly Checker<unknown>[] = CHECKERS,
): RunResult {
  const { plan } = history;
  const findings = usesOf(plan.checks).map((use) => findingOf(history, use, checkers));
  const { outcome, ...reduced } = reduce(findings, history);
  return {
    version: 1,
    kind: 'run',
    runId: plan.runId,
    scenario: plan.scenario,
    cell: plan.cell,
    ...reduced,
    exitCode: exitCodeFor(outcome),
    startedAt: environment.startedAt,
    durationMs: history.events.reduce((most, { tMs }) => Math.max(most, tMs), 0),
    findings,
    phases: phaseSpans(history).map(({ name, fromMs, toMs }) => ({ name, fromMs, toMs })),
    reported: reportedVersions(history),
    notes: [...plan.notes, ...eventsOf(history, 'note').map(({ text }) => text)],
    plan,
    environment,
  };
}

/** What the scenario asks for, then what is always checked and not among it. */
function usesOf(checks: readonly PluginUse[]): PluginUse[] {
  const silent = ALWAYS.filter(({ name }) => !checks.some((use) => use.name === name));
  return [...checks, ...silent.map(({ name }) => ({ name, params: {} }))];
}

function findingOf(
  history: History,
  use: PluginUse,
  checkers: readonly Checker<unknown>[],
): JudgedFinding {
  const checker = checkers.find(({ name }) => name === use.name);
  if (checker === undefined) {
    return unjudged(use, `this coalmine has no checker named ${use.name}`);
  }
  const parsed = checker.params.safeParse(use.params);
  if (!parsed.success) {
    return unjudged(use, `its parameters are wrong: ${z.prettifyError(parsed.error)}`);
  }
  try {
    const finding = checker.check(history, parsed.data);
    const params = parsed.data as Record<string, unknown>;
    return { ...finding, details: finding.details.slice(0, DETAILS_MAX), params };
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    const details = stack.split('\n').slice(0, DETAILS_MAX);
    return { ...unjudged(use, `the checker itself crashed: ${messageOf(error)}`), details };
  }
}

function unjudged({ name, params }: PluginUse, summary: string): JudgedFinding {
  return { checker: name, verdict: 'inconclusive', summary, evidence: {}, details: [], params };
}

/** What kubelet and kube-proxy said of themselves on each node, each change once. */
function reportedVersions(history: History): string[] {
  const said = new Map<string, string>();
  return history.events.flatMap((event) => {
    if (event.kind !== 'kubelet' && event.kind !== 'proxy') return [];
    const { kind, node, version } = event;
    const text = kind === 'kubelet' ? `kubelet ${version}` : `kube-proxy ${version}, ${event.mode}`;
    if (said.get(`${kind} ${node}`) === text) return [];
    said.set(`${kind} ${node}`, text);
    return [`${node}: ${text}`];
  });
}
