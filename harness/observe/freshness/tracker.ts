/**
 * The fold over what is wanted and what was read, for one node and family: in go the API's words and the readings, in the
 * order in which they reached us; out come episodes and settled changes, dated as `age.ts` says.
 */
import {
  endedByApi,
  endedByReading,
  endedByStop,
  type EntryName,
  type FreshnessEvent,
  type Wrong,
} from './age.ts';
import {
  changedFronts,
  endpointsOf,
  flips,
  frontAt,
  kernelHas,
  setOwner,
  wantOf,
  type Front,
  type Fronts,
} from './fronts.ts';
import { createIdleBackends, type IdleBackends } from './idle.ts';
import type { FrontKey, KernelRules } from './rules.ts';
import type { WantedFronts } from './wanted.ts';

/** `rules`: what was read; `same` as in the last good reading; undefined where the reading failed. */
export interface RuleReading {
  tMs: number;
  errorMs: number;
  rules: KernelRules | 'same' | undefined;
}

export interface Tracker {
  /** From now on this is all that is wanted for this Service (`ns/name`); an empty map where it is gone. */
  wanted(tMs: number, service: string, fronts: WantedFronts): void;
  reading(reading: RuleReading): void;
  /** Reports what is still wrong. */
  stop(tMs: number): void;
  /** Entries in the kernel; entries that differ; and those of them that a reading has confirmed. */
  live(): { entries: number; wrong: number; open: number };
  /** Fronts that two Services claim: kube-proxy's choice is not defined, so they are not judged. */
  contested(): readonly FrontKey[];
}

/** A change of what is wanted that a late reading could still lie before. */
interface Change {
  tMs: number;
  id: string;
}

/** Readings of one node come in order, but their error bounds differ; beyond this none reaches back. */
const ERROR_MS_MAX = 60_000;

interface State {
  readonly node: string;
  readonly emit: (event: FreshnessEvent) => void;
  readonly fronts: Fronts;
  readonly byService: Map<string, WantedFronts>;
  readonly wrongs: Map<string, Wrong>;
  /** When it last changed whether an entry is wanted, as long as it matters; and the same in order of time. */
  readonly changedMs: Map<string, number>;
  readonly changes: Change[];
  readonly contested: Set<FrontKey>;
  kernel: KernelRules | undefined;
  readonly idle: IdleBackends;
}

export function createTracker(node: string, emit: (event: FreshnessEvent) => void): Tracker {
  const fronts: Fronts = new Map();
  const state: State = {
    node,
    emit,
    fronts,
    idle: createIdleBackends((key, endpoint) => nameOf(node, frontAt(fronts, key), endpoint), emit),
    byService: new Map(),
    wrongs: new Map(),
    changedMs: new Map(),
    changes: [],
    contested: new Set(),
    kernel: undefined,
  };
  return {
    wanted: (tMs, service, fronts) => {
      takeWanted(state, tMs, service, fronts);
    },
    reading: (reading) => {
      takeReading(state, reading);
    },
    stop: (tMs) => {
      for (const [id, wrong] of [...state.wrongs]) end(state, id, endedByStop(wrong, tMs));
      state.idle.stop(tMs);
    },
    live: () => ({
      entries: [...(state.kernel?.values() ?? [])].reduce(
        (sum, one) => sum + one.endpoints.size,
        0,
      ),
      wrong: state.wrongs.size,
      open: [...state.wrongs.values()].filter(({ opened }) => opened).length,
    }),
    contested: () => [...state.contested],
  };
}

function takeWanted(state: State, tMs: number, service: string, next: WantedFronts): void {
  const before = state.byService.get(service) ?? new Map<FrontKey, never>();
  if (next.size === 0) state.byService.delete(service);
  else state.byService.set(service, next);
  for (const key of changedFronts(before, next)) {
    const front = frontAt(state.fronts, key);
    const old = new Map([...endpointsOf(front)].map((one) => [one, wantOf(front, one)]));
    setOwner(front, service, next.get(key));
    if (front.owners.size > 1) state.contested.add(key);
    else state.contested.delete(key);
    for (const endpoint of new Set([...old.keys(), ...endpointsOf(front)])) {
      if ((old.get(endpoint) ?? 'no') !== wantOf(front, endpoint))
        takeChange(state, tMs, key, endpoint);
    }
    forgetFront(state, key);
  }
}

function takeChange(state: State, tMs: number, key: FrontKey, endpoint: string): void {
  const id = entryId(key, endpoint);
  state.changedMs.set(id, tMs);
  state.changes.push({ tMs, id });
  const wrong = state.wrongs.get(id);
  if (wrong !== undefined) end(state, id, endedByApi(wrong, tMs));
  if (state.kernel !== undefined) judge(state, key, endpoint, { cause: 'api', sinceMs: tMs });
}

function takeReading(state: State, { tMs, errorMs, rules }: RuleReading): void {
  if (rules === undefined || (rules === 'same' && state.kernel === undefined)) return;
  const earliestMs = tMs - errorMs;
  if (rules !== 'same') takeRules(state, rules, tMs, earliestMs);
  for (const wrong of state.wrongs.values()) if (wrong.sinceMs < earliestMs) wrong.opened = true;
  forgetChanges(state, earliestMs - ERROR_MS_MAX);
}

function takeRules(state: State, rules: KernelRules, tMs: number, earliestMs: number): void {
  const before = state.kernel;
  for (const key of before?.keys() ?? []) frontAt(state.fronts, key).kernel = undefined;
  for (const [key, front] of rules) frontAt(state.fronts, key).kernel = front;
  state.kernel = rules;
  state.idle.reading(tMs, rules);
  if (before === undefined) {
    judgeAll(state, tMs);
    return;
  }
  for (const { key, endpoint } of flips(before, rules)) {
    const id = entryId(key, endpoint);
    const wrong = state.wrongs.get(id);
    if (wrong !== undefined) end(state, id, endedByReading(wrong, tMs));
    // A reading that may lie before the last change says nothing against it: the change is what it is measured from.
    const lastMs = state.changedMs.get(id);
    if (lastMs !== undefined && lastMs >= earliestMs)
      judge(state, key, endpoint, { cause: 'api', sinceMs: lastMs });
    else judge(state, key, endpoint, { cause: 'kernel', sinceMs: tMs, opened: true });
  }
  for (const key of before.keys()) forgetFront(state, key);
}

/** At the first reading nobody knows what changed when: what the API said before it counts from when we heard it. */
function judgeAll(state: State, tMs: number): void {
  for (const [key, front] of state.fronts) {
    for (const endpoint of endpointsOf(front)) {
      const heardMs = state.changedMs.get(entryId(key, endpoint));
      if (heardMs === undefined)
        judge(state, key, endpoint, { cause: 'kernel', sinceMs: tMs, opened: true });
      else judge(state, key, endpoint, { cause: 'api', sinceMs: heardMs, timed: false });
    }
  }
}

function judge(
  state: State,
  key: FrontKey,
  endpoint: string,
  how: Pick<Wrong, 'cause' | 'sinceMs'> & Partial<Pick<Wrong, 'timed' | 'opened'>>,
): void {
  const front = frontAt(state.fronts, key);
  const want = wantOf(front, endpoint);
  if (want === 'either' || (want === 'yes') === kernelHas(front, endpoint)) return;
  const error = want === 'yes' ? 'missing' : 'stale';
  const entry = nameOf(state.node, front, endpoint);
  const wrong: Wrong = { entry, error, timed: true, opened: false, ...how };
  state.wrongs.set(entryId(key, endpoint), wrong);
}

function end(state: State, id: string, events: readonly FreshnessEvent[]): void {
  state.wrongs.delete(id);
  for (const event of events) state.emit(event);
}

function forgetFront(state: State, key: FrontKey): void {
  const front = state.fronts.get(key);
  if (front?.owners.size === 0 && front.kernel === undefined) state.fronts.delete(key);
}

function forgetChanges(state: State, beforeMs: number): void {
  let count = 0;
  while ((state.changes[count]?.tMs ?? beforeMs) < beforeMs) count += 1;
  for (const { id, tMs } of state.changes.splice(0, count))
    if (state.changedMs.get(id) === tMs) state.changedMs.delete(id);
}

function entryId(key: FrontKey, endpoint: string): string {
  return `${key} ${endpoint}`;
}

function nameOf(node: string, front: Front, endpoint: string): EntryName {
  const owner = [...front.owners].map(([service, { port }]) => ({ service, port }))[0];
  const known = owner ?? front.lastOwner;
  if (known !== undefined) return { node, ...known, endpoint };
  const [service = 'unknown', port = ''] = (front.kernel?.name ?? 'unknown').split(':');
  return { node, service, port, endpoint };
}
