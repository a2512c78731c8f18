/** `coalmine setup`: gets everything ready ahead, so that a run later needs no network and no waiting. */
import { createStore } from '../components/store.ts';
import type { Plan } from '../core/plan.ts';
import { makeAhead, neededComponents } from './make-ahead.ts';
import { planFrom } from './plan-from.ts';
import { loadScenario, shippedScenarios } from './scenario-file.ts';
import { installMissing, vmOutOfReach } from './setup-packages.ts';

export interface SetupRequest {
  scenarios: readonly string[];
  offline: boolean;
  /** Only say what is needed and what of it is in the cache. */
  listOnly: boolean;
  /** Also what coalmine's own tests call. */
  tests: boolean;
  /** Also what the scenarios' controls need. */
  known: boolean;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** Returns lines for stdout: the list that was asked for, or nothing. */
export async function setUp(request: SetupRequest): Promise<string[]> {
  const { offline, listOnly, tests, say, signal } = request;
  const plans = await plansOf(request);
  const store = createStore({ offline });
  if (listOnly) {
    const needed = neededComponents(plans, 'built');
    return Promise.all(
      needed.map(async (ref) => {
        const cached = (await store.lookUp(ref)) !== undefined;
        return `${ref.component} ${ref.version} ${cached ? 'in the cache' : 'missing'}`;
      }),
    );
  }
  const providers = new Set(plans.map(({ provider }) => provider));
  await installMissing({ providers, cacheDir: store.cache.root, tests, say, signal });
  await makeAhead(plans, store, 'built', { say, signal });
  await store.pruneBuildCache({ say, signal });
  say('ready');
  return [];
}

/**
 * The plans of the named scenarios, or of all that ship, and of their controls where they are asked for. Of all that ship,
 * what this machine can have no provider for is left out, and said.
 */
async function plansOf({ scenarios, known, say }: SetupRequest): Promise<Plan[]> {
  const isNamed = scenarios.length > 0;
  const names = isNamed ? scenarios : shippedScenarios();
  const plans = names.flatMap((scenario) => [
    ...planFrom({ scenario, set: [] }).plans,
    ...(known && hasControls(scenario)
      ? planFrom({ scenario, set: [], known: { times: 1 } }).plans
      : []),
  ]);
  const because = isNamed ? undefined : await vmOutOfReach();
  if (because === undefined) return plans;
  const left = plans.filter(({ provider }) => provider !== 'vm');
  if (left.length < plans.length) say(`leaving out the scenarios that need machines: ${because}`);
  return left;
}

function hasControls(scenario: string): boolean {
  const { knownBad, knownGood } = loadScenario(scenario).scenario;
  return knownBad.length + knownGood.length > 0;
}
