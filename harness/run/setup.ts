/** `coalmine setup`: gets everything ready ahead, so that a run later needs no network and no waiting. */
import { createStore } from '../components/store.ts';
import { hasCode } from '../core/errors.ts';
import { onPath } from '../exec/on-path.ts';
import { findEngine } from '../providers/kind/engine-find.ts';
import { installPackages } from '../providers/install-packages.ts';
import { ENGINE_PACKAGES } from '../providers/kind/engine-packages.ts';
import { makeAhead, neededComponents } from './make-ahead.ts';
import { planFrom } from './plan-from.ts';
import { shippedScenarios } from './scenario-file.ts';

/** What a run calls on this machine beside the engine: program to Debian package. */
const TOOLS: Readonly<Record<string, string>> = { mmdebstrap: 'mmdebstrap' };
/** What coalmine's own tests and benches call as well. */
const TEST_TOOLS: Readonly<Record<string, string>> = { dnsperf: 'dnsperf', nft: 'nftables' };

export interface SetupRequest {
  scenarios: readonly string[];
  offline: boolean;
  /** Only say what is needed and what of it is in the cache. */
  listOnly: boolean;
  /** Also what coalmine's own tests call. */
  tests: boolean;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** Returns lines for stdout: the list that was asked for, or nothing. */
export async function setUp({
  scenarios,
  offline,
  listOnly,
  tests,
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
  const tools = tests ? { ...TOOLS, ...TEST_TOOLS } : TOOLS;
  await installMissing(tools, store.cache.root, { say, signal });
  await makeAhead(plans, store, 'built', { say, signal });
  await store.pruneBuildCache({ say, signal });
  say('ready');
  return [];
}

/** Nothing is installed where nothing is missing; what is installed is said before it is done. */
async function installMissing(
  tools: Readonly<Record<string, string>>,
  cacheDir: string,
  { say, signal }: Pick<SetupRequest, 'say' | 'signal'>,
): Promise<void> {
  const packages: string[] = [];
  for (const [tool, debianPackage] of Object.entries(tools)) {
    if ((await onPath(tool)) === undefined) packages.push(debianPackage);
  }
  const engine = await findEngine({ cacheDir }).catch((error: unknown) => {
    if (hasCode(error, 'preflight')) return undefined;
    throw error;
  });
  if (engine === undefined) packages.push(...ENGINE_PACKAGES);
  if (packages.length > 0) await installPackages({ packages, say, signal });
}
