/** Scenario and matrix to plans: pure, needs nothing installed. What cannot be served is a skipped cell with its reason. */
import { irqbalanceNote } from '../components/recipes/irqbalance.ts';
import type { NodeSelector, Plan, PlannedPhase } from '../core/plan.ts';
import { CoalmineError } from '../core/errors.ts';
import { cellName, CELLS_MAX, exclusionOf, expandMatrix, type Cell } from '../matrix/expand.ts';
import { newerKubelet, skewNote } from '../matrix/skew.ts';
import { parseKubernetesVersion } from '../matrix/version.ts';
import { ANY_HOST, type Host } from './host.ts';
import { emptyHanded } from './plan-targets.ts';
import { PROVIDER_LIST, type ProviderEntry } from './providers.ts';
import { pluginUses } from './plugin-schema.ts';
import type { Scenario } from './scenario.ts';
import type { ScenarioFile } from './scenario-file.ts';

/** The newest version that the component store is known to build; a scenario or `--set` may name any other. */
const DEFAULT_KUBERNETES = '1.34.3';

interface SkippedCell {
  scenario: string;
  cell: string;
  because: string;
  expects?: Plan['expects'];
}

export interface Planned {
  plans: Plan[];
  skipped: SkippedCell[];
}

export interface PlanOptions {
  /** The machine that will run it; without it, `auto` knows of no limit of this machine. */
  host?: Host;
  provider?: Plan['provider'];
  /** The run's id; the only input that is not the scenario. The cells of a matrix number it: `…-1`, `…-2`. */
  runId: string;
}

/** Throws `usage` for a matrix that is too large or a version that is none. */
export function planScenario(file: ScenarioFile, options: PlanOptions): Planned {
  const { scenario } = file;
  const axes: Record<string, readonly string[]> = {};
  for (const [axis, values] of Object.entries(scenario.matrix))
    if (values !== undefined) axes[axis] = values;
  const cells = expandMatrix(axes);
  if (cells.length > CELLS_MAX) {
    throw new CoalmineError(
      'usage',
      `${file.path}: the matrix has ${cells.length} cells; at most ${CELLS_MAX}`,
    );
  }
  const planned: Planned = { plans: [], skipped: [] };
  for (const [index, cell] of cells.entries()) {
    const skip = (because: string) =>
      planned.skipped.push({ scenario: scenario.name, cell: cellName(cell), because });
    const runId = cells.length === 1 ? options.runId : `${options.runId}-${index + 1}`;
    const draft = draftPlan(file, cell, runId);
    // What `--set` has pinned is in no cell any more; it is excluded all the same.
    const whole = { proxyMode: draft.proxyMode, ...draft.components };
    const excluded = exclusionOf(whole, scenario.exclude) ?? tooNew(draft);
    if (excluded !== undefined) {
      skip(excluded);
      continue;
    }
    const choice = chooseProvider(draft, options.provider ?? scenario.provider, options.host);
    if ('refusals' in choice) skip(choice.refusals.join('; '));
    else planned.plans.push({ ...draft, provider: choice.provider });
  }
  return planned;
}

function chooseProvider(
  draft: Plan,
  wanted: Plan['provider'] | 'auto',
  host: Host = ANY_HOST,
): { provider: Plan['provider'] } | { refusals: string[] } {
  const candidates: readonly ProviderEntry[] = PROVIDER_LIST.filter(
    ({ name }) => wanted === 'auto' || name === wanted,
  );
  if (candidates.length === 0)
    return { refusals: [`there is no provider named ${wanted} in this version of coalmine`] };
  const refusals: string[] = [];
  for (const { name, refuses, roles } of candidates) {
    const plan = { ...draft, provider: name };
    const found = [...refuses(plan, host), ...emptyHanded(plan, roles(plan.nodes))];
    if (found.length === 0) return { provider: name };
    refusals.push(...found.map((reason) => `${name}: ${reason}`));
  }
  return { refusals };
}

function draftPlan({ scenario, written, path }: ScenarioFile, cell: Cell, runId: string): Plan {
  const kubernetes = cell['kubernetes'] ?? scenario.components.kubernetes ?? DEFAULT_KUBERNETES;
  const kubeProxy = cell['kube-proxy'] ?? scenario.components['kube-proxy'] ?? kubernetes;
  const others = Object.fromEntries(
    (['kubelet', 'canary-kubelet', 'iptables', 'kernel', 'irqbalance'] as const).flatMap(
      (component) => {
        const version = cell[component] ?? scenario.components[component];
        return version === undefined ? [] : [[component, version]];
      },
    ),
  );
  const phases = scenario.phases.map((_, index) =>
    planPhase(scenario, written, index, kubeProxy, path),
  );
  const versions = [kubernetes, kubeProxy, ...phases.flatMap(({ upgrade }) => upgrade?.to ?? [])];
  for (const version of versions) {
    if (parseKubernetesVersion(version) === undefined) {
      throw new CoalmineError(
        'usage',
        `${path}: ${version} is not a Kubernetes version; write MAJOR.MINOR.PATCH, for example 1.34.3`,
      );
    }
  }
  const notes = [
    ...[...new Set(versions.slice(1))].flatMap(
      (version) => skewNote(kubernetes, 'kube-proxy', version) ?? [],
    ),
    ...kubeletsOf(others).flatMap((version) => skewNote(kubernetes, 'kubelet', version) ?? []),
    ...[others['irqbalance'] ?? ''].flatMap((version) => irqbalanceNote(version) ?? []),
  ];
  return {
    version: 1,
    runId,
    scenario: scenario.name,
    why: scenario.why.trim(),
    reads: scenario.reads,
    cell: cellName(cell),
    provider: 'kind',
    nodes: scenario.nodes,
    proxyMode: (cell['proxyMode'] as Plan['proxyMode'] | undefined) ?? scenario.proxyMode,
    components: { kubernetes, 'kube-proxy': kubeProxy, ...others },
    ...(scenario.needs.ownKernel ? { ownKernel: true } : {}),
    ...(scenario.machine === undefined ? {} : { machine: scenario.machine }),
    sampleEveryMs: scenario.sampling.every,
    rulesEveryMs: scenario.sampling.rulesEvery,
    replicas: scenario.workload.replicas,
    load: planLoads(scenario, written),
    phases,
    checks: pluginUses(section(written, 'checks')),
    notes,
  };
}

/** Those that are not simply the control plane's version, each once. */
function kubeletsOf(components: Plan['components']): string[] {
  const named = [components['kubelet'], components['canary-kubelet']];
  return [...new Set(named.filter((version) => version !== undefined))];
}

function tooNew({ components }: Plan): string | undefined {
  const refusals = kubeletsOf(components).flatMap(
    (version) => newerKubelet(components['kubernetes'] ?? '', version) ?? [],
  );
  return refusals.length === 0 ? undefined : refusals.join('; ');
}

function planLoads(scenario: Scenario, written: Readonly<Record<string, unknown>>): Plan['load'] {
  const source = section(written, 'load');
  return Object.entries(scenario.load).flatMap(([id, { from }]) =>
    pluginUses(section(section(source, id), 'run')).map((use) => ({
      ...use,
      id,
      from: from satisfies NodeSelector,
    })),
  );
}

function planPhase(
  scenario: Scenario,
  written: Readonly<Record<string, unknown>>,
  index: number,
  stable: string,
  path: string,
): PlannedPhase {
  const phase = scenario.phases[index];
  const source = (written['phases'] as Record<string, unknown>[])[index];
  if (phase === undefined || source === undefined) throw new RangeError(`no phase ${index}`);
  const [under] = pluginUses(section(source, 'under'));
  const [fault] = pluginUses(section(source, 'fault'));
  const [churn] = pluginUses(section(source, 'churn'));
  const { upgrade } = phase;
  return {
    name: phase.name,
    forMs: phase.for,
    ...(under === undefined ? {} : { under }),
    ...(fault === undefined ? {} : { fault }),
    ...(churn === undefined ? {} : { churn }),
    ...(upgrade === undefined
      ? {}
      : { upgrade: { ...upgrade, to: targetVersion(scenario, upgrade.to, stable, path) } }),
  };
}

function targetVersion(scenario: Scenario, to: string, stable: string, path: string): string {
  if (to === 'stable') return stable;
  if (to !== 'new') return to;
  const version = scenario.upgradeTo['kube-proxy'];
  if (version !== undefined) return version;
  throw new CoalmineError(
    'usage',
    `${path}: a phase upgrades \`to: new\`, but upgradeTo.kube-proxy is not set`,
    {
      wayOut: 'Add `upgradeTo: { kube-proxy: 1.34.4 }`, or `--set upgradeTo.kube-proxy=1.34.4`.',
    },
  );
}

function section(written: unknown, key: string): Record<string, unknown> {
  return ((written as Record<string, unknown> | undefined)?.[key] ?? {}) as Record<string, unknown>;
}
