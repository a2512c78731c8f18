/** Gets many components one after the other (a build uses every core anyway) and says how far it is. */
import type { Artifact, ComponentRef, StoreContext } from './component.ts';
import { wholeSeconds } from './progress.ts';
import { MODULE_RECIPES } from './recipes/recipe.ts';
import type { Store } from './store.ts';

/** Returns the artifacts in the order of `refs`. Those that are in the cache are not counted in `n of m`. */
export async function ensureAll(
  store: Store,
  refs: readonly ComponentRef[],
  context: StoreContext,
): Promise<Artifact[]> {
  const missing: ComponentRef[] = [];
  for (const ref of refs) if ((await store.lookUp(ref)) === undefined) missing.push(ref);
  if (missing.length > 0) context.say(announcement(refs.length, missing));
  for (const ref of oneOfEachVersion(missing)) await store.demand(ref, context);
  const artifacts: Artifact[] = [];
  for (const ref of refs) {
    const at = missing.indexOf(ref) + 1;
    const say = (line: string): void => {
      context.say(at === 0 ? line : `[${at} of ${missing.length}] ${line}`);
    };
    artifacts.push(await store.ensure(ref, { say, signal: context.signal }));
  }
  return artifacts;
}

/** A version that does not exist shall be known before others are built for many minutes. Siblings exist together. */
function oneOfEachVersion(refs: readonly ComponentRef[]): ComponentRef[] {
  const byVersion = new Map(
    refs
      .toReversed()
      .map((ref) => [
        `${MODULE_RECIPES[ref.component]?.module ?? ref.component}@${ref.version}`,
        ref,
      ]),
  );
  return [...byVersion.values()];
}

function announcement(all: number, missing: readonly ComponentRef[]): string {
  const names = missing.map(({ component, version }) => `${component} ${version}`).join(', ');
  const time = wholeSeconds(estimateSeconds(missing));
  return `${missing.length} of ${all} components are not in the cache: ${names}. Built here they take about ${time}.`;
}

/** About how long it takes to build all of them on two cores: the first of each module and version is cold. */
export function estimateSeconds(refs: readonly ComponentRef[]): number {
  const begun = new Set<string>();
  let seconds = 0;
  for (const { component, version } of refs) {
    const recipe = MODULE_RECIPES[component];
    if (recipe === undefined) continue;
    const key = `${recipe.module}@${version}`;
    seconds += recipe.aboutSeconds[begun.has(key) ? 'warm' : 'cold'];
    begun.add(key);
  }
  return seconds;
}
