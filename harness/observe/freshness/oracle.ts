/**
 * The rule-freshness oracle: says for every Service, port and node whether the kernel's rules are what the API wants, and
 * how old what differs is. This file only wires: the API's watches and the nodes' readings into one tracker for each
 * node and family.
 */
import type { RunClock } from '../../core/clock.ts';
import { waitFor } from '../../core/deadline.ts';
import type { HistoryEvent } from '../../core/history.ts';
import type { KubeApi, KubeWatchEvent } from '../../core/kube.ts';
import type { NodeAgent } from '../../core/node.ts';
import type { Plan } from '../../core/plan.ts';
import { dialectOf } from './dialect.ts';
import { findSource } from './find-source.ts';
import { createNodeRules, type NodeRules } from './node-rules.ts';
import type { Family } from './rules.ts';
import { createWantedIndex, type WantedIndex } from './wanted-index.ts';

const REPORT_EVERY_MS = 1_000;
const READY_TIMEOUT_MS = 60_000;
const KINDS = [
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  { apiVersion: 'v1', kind: 'Node' },
] as const;

export interface OracleOptions {
  kube: KubeApi;
  agents: readonly { node: string; agent: NodeAgent }[];
  proxyMode: Plan['proxyMode'];
  /** Of kube-proxy when the run begins: old ones decide otherwise. */
  proxyVersion?: string | undefined;
  everyMs: number;
  clock: RunClock;
  emit: (event: HistoryEvent) => void;
  signal: AbortSignal;
}

export interface Oracle {
  /**
   * Resolves once each node's rules were read and nothing is wrong any more, or, where something stays wrong, after
   * `timeoutMs`: then it is an episode like any other. Throws `deadline` where a node's rules could not be read.
   */
  ready(options?: { timeoutMs?: number }): Promise<void>;
  live(): {
    services: number;
    entriesByNode: ReadonlyMap<string, number>;
    /** Entries that are known to be wrong now, over all nodes. */
    openEpisodes: number;
  };
  /** Ends the readings and reports what is still wrong, with `untilMs` null. A second call does nothing. */
  stop(): Promise<void>;
}

/** Resolves once the API's objects are known and the readings have begun. */
export async function startOracle(options: OracleOptions): Promise<Oracle> {
  const { clock, emit, signal } = options;
  const index = createWantedIndex(dialectOf(options.proxyMode, options.proxyVersion));
  const notes = new Set<string>();
  const note = (text: string): void => {
    if (!notes.has(text)) emit({ tMs: clock.nowMs(), kind: 'note', text });
    notes.add(text);
  };
  const watching = new AbortController();
  const ended = AbortSignal.any([signal, watching.signal]);
  const sides: NodeRules[] = [];
  let families: Family[] | undefined;
  const spread = (tMs: number, service: string): void => {
    if (families === undefined) return; // before all three lists are in, every Service looks as if it lacked something
    noteUnread(index, service, families, note);
    for (const side of sides)
      side.want(tMs, service, index.fronts(service, side.family, side.node));
  };
  const onEvent = (event: KubeWatchEvent): void => {
    for (const service of index.apply(event)) spread(event.tMs, service);
  };
  const stopSides = async (): Promise<void> => {
    watching.abort();
    await Promise.all(sides.map((side) => side.stop()));
  };
  try {
    await Promise.all(KINDS.map((kind) => options.kube.watch(kind, onEvent, ended)));
    families = familiesToRead(index);
    for (const { node, agent } of options.agents) {
      const place = index.node(node) ?? { addresses: [], podRanges: [] };
      for (const family of families) {
        const source = await findSource(agent, options.proxyMode, family, place, signal);
        const { everyMs } = options;
        const side = createNodeRules({ node, family, agent, source, everyMs, clock, emit, note });
        sides.push(side);
        for (const service of index.services())
          side.want(clock.nowMs(), service, index.fronts(service, family, node));
        await side.start();
      }
    }
  } catch (error) {
    await stopSides();
    throw error;
  }
  return oracleOver(options, index, sides, stopSides);
}

function oracleOver(
  { clock, emit, everyMs, agents, signal }: OracleOptions,
  index: WantedIndex,
  sides: readonly NodeRules[],
  stopSides: () => Promise<void>,
): Oracle {
  const report = (): void => {
    for (const { node } of agents) {
      const own = sides.filter((side) => side.node === node);
      const tallies = own.map((side) => side.takeTally());
      emit({
        tMs: clock.nowMs(),
        kind: 'rules-read',
        node,
        reads: Math.min(...tallies.map(({ reads }) => reads)),
        failures: Math.max(...tallies.map(({ failures }) => failures)),
        everyMs,
        entries: own.reduce((sum, side) => sum + side.live().entries, 0),
      });
    }
  };
  const timer = setInterval(report, REPORT_EVERY_MS);
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    await stopSides();
    report();
  };
  return {
    ready: async ({ timeoutMs = READY_TIMEOUT_MS } = {}) => {
      for (const side of sides) {
        const what = `the ${side.family} rules of ${side.node} to be read`;
        await waitFor({ what, timeoutMs, everyMs: 50, signal }, () =>
          Promise.resolve(side.hasRead() ? true : undefined),
        );
      }
      const what = 'rules as the API wants them';
      await waitFor({ what, timeoutMs, everyMs: 50, signal }, () =>
        Promise.resolve(sides.every((side) => side.live().wrong === 0) ? true : undefined),
      ).catch(() => {
        signal.throwIfAborted();
      });
    },
    live: () => {
      const entriesByNode = new Map<string, number>();
      for (const side of sides)
        entriesByNode.set(side.node, (entriesByNode.get(side.node) ?? 0) + side.live().entries);
      const openEpisodes = sides.reduce((sum, side) => sum + side.live().open, 0);
      return { services: index.services().length, entriesByNode, openEpisodes };
    },
    stop: () => (stopping ??= stop()),
  };
}

/** IPv6 is read only where a Service has it: on a single-stack cluster its tables are empty, and reading costs CPU. */
function familiesToRead(index: WantedIndex): Family[] {
  const served = new Set(index.services().flatMap((service) => index.families(service)));
  return (['IPv4', 'IPv6'] as const).filter((family) => family === 'IPv4' || served.has(family));
}

function noteUnread(
  index: WantedIndex,
  service: string,
  families: readonly Family[],
  note: (text: string) => void,
): void {
  for (const family of index.families(service))
    if (!families.includes(family))
      note(`rule freshness: ${service} has ${family} since the run began; that is not judged`);
}
