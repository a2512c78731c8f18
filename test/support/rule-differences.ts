/** Compares what is wanted with what a kernel has in one go, by brute force: the tracker must come to the same. */
import type { KubeObject } from '../../harness/core/kube.ts';
import type { Dialect } from '../../harness/observe/freshness/dialect.ts';
import type { Family, FrontKey, KernelRules } from '../../harness/observe/freshness/rules.ts';
import { createWantedIndex } from '../../harness/observe/freshness/wanted-index.ts';
import type { WantedFront } from '../../harness/observe/freshness/wanted.ts';

/** Returns all fronts that these objects of the API ask for on a node. */
export function wantedOf(
  objects: readonly KubeObject[],
  node: string,
  family: Family,
  dialect?: Dialect,
): Map<FrontKey, WantedFront> {
  const index = createWantedIndex(dialect);
  for (const object of objects) index.apply({ type: 'ADDED', object });
  return new Map(index.services().flatMap((service) => [...index.fronts(service, family, node)]));
}

export function differences(
  wanted: ReadonlyMap<FrontKey, WantedFront>,
  kernel: KernelRules,
): string[] {
  const missing = [...wanted].flatMap(([key, front]) =>
    [...front.endpoints]
      .filter((endpoint) => !front.either.has(endpoint))
      .filter((endpoint) => kernel.get(key)?.endpoints.has(endpoint) !== true)
      .map((endpoint) => `missing ${key} -> ${endpoint}`),
  );
  const stale = [...kernel].flatMap(([key, front]) =>
    [...front.endpoints]
      .filter((endpoint) => wanted.get(key)?.endpoints.has(endpoint) !== true)
      .filter((endpoint) => wanted.get(key)?.either.has(endpoint) !== true)
      .map((endpoint) => `stale ${key} -> ${endpoint} (${front.name ?? '?'})`),
  );
  return [...missing, ...stale];
}
