/** Reads every probe on every node at the plan's period and records complete readings. */
import type { Sample } from '../core/history.ts';
import { PROBES } from '../observe/probes/index.ts';
import type { Probe } from '../observe/probes/probe.ts';
import type { ManagedNode, Stage } from './context.ts';

/** Resolves once each probe is being watched on each node. */
export async function watchProbes(
  { plan, nodes }: Pick<Stage, 'plan' | 'nodes'>,
  record: (sample: Sample) => void,
): Promise<{ readonly stop: () => Promise<void> }> {
  const watches = await Promise.all(
    nodes.flatMap((managed) =>
      PROBES.map((probe) => watchProbe(managed, probe, plan.sampleEveryMs, record)),
    ),
  );
  return {
    stop: async () => {
      await Promise.allSettled(watches.map((watch) => watch.stop()));
    },
  };
}

export function watchProbe(
  { node, agent }: ManagedNode,
  probe: Probe,
  everyMs: number,
  record: (sample: Sample) => void,
): Promise<{ stop(): Promise<void> }> {
  const contents: Record<string, string | null> = {};
  const take = (tMs: number): void => {
    record({ tMs, node: node.name, probe: probe.name, values: probe.parse(contents) });
  };
  return agent.watch(probe.source, {
    everyMs: Math.max(everyMs, probe.everyMsMin),
    onReading: ({ tMs, changed }) => {
      Object.assign(contents, changed);
      take(tMs);
    },
    // A counter that stands still is evidence too: without this, "no drops" and "never read" would look the same.
    onProgress: ({ tMs, reads, failures }) => {
      if (reads > failures) take(tMs);
    },
  });
}
