/** A plan for people: what would be done, in order, and what is skipped with its reason. Pure. */
import { formatDuration } from '../core/duration.ts';
import type { Plan, PlannedPhase, PluginUse } from '../core/plan.ts';
import type { Planned } from './plan.ts';

export function describePlan({ plans, skipped }: Planned): string {
  const blocks = [
    ...plans.map(describeCell),
    ...skipped.map(({ scenario, cell, because }) => [
      `${title(scenario, cell)}: skipped, ${because}`,
    ]),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function title(scenario: string, cell: string): string {
  return cell === '' ? scenario : `${scenario} [${cell}]`;
}

function describeCell(plan: Plan): string[] {
  const total = plan.phases.reduce((sum, { forMs }) => sum + forMs, 0);
  return [
    title(plan.scenario, plan.cell),
    `  provider    ${plan.provider}, ${plan.nodes} nodes, proxy mode ${plan.proxyMode}`,
    `  versions    ${Object.entries(plan.components)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `  sampling    counters every ${formatDuration(plan.sampleEveryMs)}, rules every ${formatDuration(plan.rulesEveryMs)}`,
    ...plan.load.map((load) => `  load        ${load.id}: ${describeUse(load)} from ${load.from}`),
    ...plan.phases.map((phase) => `  phase       ${describePhase(phase)}`),
    ...plan.checks.map((check) => `  check       ${describeUse(check)}`),
    ...control(plan),
    ...plan.notes.map((note) => `  note        ${note}`),
    `  takes       about ${formatDuration(Math.ceil(total / 1_000) * 1_000)} of phases, and the cluster around them`,
    ...hostWide(plan),
  ];
}

function control({ expects }: Plan): string[] {
  if (expects === undefined) return [];
  return [`  control     known ${expects === 'fail' ? 'bad: it must fail' : 'good: it must pass'}`];
}

function describePhase({ name, forMs, under, fault, churn, upgrade }: PlannedPhase): string {
  const parts = [
    under === undefined ? undefined : `under ${describeUse(under)}`,
    fault === undefined ? undefined : `fault ${describeUse(fault)}`,
    upgrade === undefined
      ? undefined
      : `upgrade ${upgrade.component} to ${upgrade.to} on ${upgrade.on}`,
    churn === undefined ? undefined : `churn ${describeUse(churn)}`,
  ].filter((part) => part !== undefined);
  return `${name} for ${formatDuration(forMs)}${parts.length === 0 ? '' : `: ${parts.join('; ')}`}`;
}

function describeUse({ name, params }: PluginUse): string {
  const given = Object.entries(params).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return given.length === 0 ? name : `${name} (${given.join(', ')})`;
}

function hostWide({ provider }: Plan): string[] {
  if (provider !== 'kind') return [];
  return [
    '  on kind     nodes share this machine’s kernel: softnet, conntrack limits and interrupts are host-wide, and a freeze',
    '              stops processes while the kernel runs on',
  ];
}
