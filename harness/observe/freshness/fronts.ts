/** Both sides of every front of one node and family: what is wanted of it, by whom, and what the kernel has. */
import type { FrontKey, KernelFront, KernelRules } from './rules.ts';
import type { WantedFront, WantedFronts } from './wanted.ts';

export interface Front {
  /** By Service (`ns/name`). More than one: they contend for an address, and kube-proxy's choice is not defined. */
  readonly owners: Map<string, WantedFront>;
  kernel: KernelFront | undefined;
  /** What it was called when it was last wanted, for entries that outlive their Service. */
  lastOwner: { service: string; port: string } | undefined;
}

/** `either`: kube-proxy may or may not have it; never wrong. */
export type Want = 'yes' | 'no' | 'either';

export type Fronts = Map<FrontKey, Front>;

const NONE: ReadonlySet<string> = new Set();

export function frontAt(fronts: Fronts, key: FrontKey): Front {
  const found = fronts.get(key);
  if (found !== undefined) return found;
  const made: Front = { owners: new Map(), kernel: undefined, lastOwner: undefined };
  fronts.set(key, made);
  return made;
}

export function wantOf(front: Front, endpoint: string): Want {
  if (front.owners.size > 1) return 'either';
  for (const wanted of front.owners.values()) {
    if (wanted.either.has(endpoint)) return 'either';
    if (wanted.endpoints.has(endpoint)) return 'yes';
  }
  return 'no';
}

export function kernelHas(front: Front, endpoint: string): boolean {
  return front.kernel?.endpoints.has(endpoint) ?? false;
}

/** Every endpoint that is wanted here, or there. */
export function endpointsOf(front: Front): Set<string> {
  const all = new Set(front.kernel?.endpoints ?? NONE);
  for (const { endpoints, either } of front.owners.values()) {
    for (const endpoint of endpoints) all.add(endpoint);
    for (const endpoint of either) all.add(endpoint);
  }
  return all;
}

/** Gives the front to the Service, or takes it away with undefined. */
export function setOwner(front: Front, service: string, wanted: WantedFront | undefined): void {
  if (wanted === undefined) front.owners.delete(service);
  else {
    front.owners.set(service, wanted);
    front.lastOwner = { service, port: wanted.port };
  }
}

/** Returns the keys of fronts that differ. */
export function changedFronts(before: WantedFronts, after: WantedFronts): FrontKey[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => {
    const [old, next] = [before.get(key), after.get(key)];
    return (
      old?.port !== next?.port ||
      !sameSet(old?.endpoints ?? NONE, next?.endpoints ?? NONE) ||
      !sameSet(old?.either ?? NONE, next?.either ?? NONE) ||
      (old === undefined) !== (next === undefined)
    );
  });
}

/** Yields each entry that is in one of two readings only. */
export function* flips(
  before: KernelRules,
  after: KernelRules,
): Generator<{ key: FrontKey; endpoint: string }> {
  for (const [key, front] of before) {
    const next = after.get(key)?.endpoints ?? NONE;
    for (const endpoint of front.endpoints) if (!next.has(endpoint)) yield { key, endpoint };
  }
  for (const [key, front] of after) {
    const old = before.get(key)?.endpoints ?? NONE;
    for (const endpoint of front.endpoints) if (!old.has(endpoint)) yield { key, endpoint };
  }
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const value of a) if (!b.has(value)) return false;
  return true;
}
