/** `coalmine setup`: gets everything ready ahead, so that a run later needs no network and no waiting. */
import { createStore } from '../components/store.ts';
import { hasCode } from '../core/errors.ts';
import { onPath } from '../exec/on-path.ts';
import { findEngine } from '../providers/kind/engine-find.ts';
import { installEngine } from '../providers/kind/engine-install.ts';
import { makeAhead, neededComponents } from './make-ahead.ts';
import { planFrom } from './plan-from.ts';
import { shippedScenarios } from './scenario-file.ts';

/** What coalmine calls on this machine beside the engine, by Debian's package name. */
const TOOLS: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  dnsperf: 'dnsperf',
  nft: 'nftables',
};

export interface SetupRequest {
  scenarios: readonly string[];
  offline: boolean;
  /** Only say what is needed and what of it is in the cache. */
  listOnly: boolean;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** Returns lines for stdout: the list that was asked for, or nothing. */
export async function setUp({
  scenarios,
  offline,
  listOnly,
  say,
  signal,
}: SetupRequest): Promise<string[]> {
  const names = scenarios.length > 0 ? scenarios : shippedScenarios();
  const plans = names.flatMap((scenario) => planFrom({ scenario, set: [] }).plans);
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
  await installTools(store.cache.root, say, signal);
  await makeAhead(plans, store, 'built', { say, signal });
  await store.pruneBuildCache({ say, signal });
  say('ready');
  return [];
}

/** Nothing is installed where nothing is missing; what is installed is said before it is done. */
async function installTools(
  cacheDir: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const missing: string[] = [];
  for (const [tool, debianPackage] of Object.entries(TOOLS)) {
    if ((await onPath(tool)) === undefined) missing.push(debianPackage);
  }
  const engine = await findEngine({ cacheDir }).catch((error: unknown) => {
    if (hasCode(error, 'preflight')) return undefined;
    throw error;
  });
  if (engine === undefined || missing.length > 0)
    await installEngine({ say, signal, also: Object.values(TOOLS) });
}
