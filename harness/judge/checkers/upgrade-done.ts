/** An upgrade that does not come up on a node is what the canary is for. Always checked. */
import { z } from 'zod';
import { eventsOf, phaseWindow } from '../../core/history.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({});

export const upgradeDone: Checker<z.infer<typeof params>> = {
  name: 'upgrade-done',
  params,
  check: (history) => {
    const events = eventsOf(history, 'upgrade');
    const started = events.filter(({ state }) => state === 'started');
    const done = events.filter(({ state }) => state === 'done');
    const failed = events.filter(({ state }) => state === 'failed');
    const planned = history.plan.phases.filter(({ upgrade }) => upgrade !== undefined);
    const settled = new Set([...done, ...failed].map(({ id, node }) => `${id} ${node}`));
    const gaps = planned.flatMap(({ name, upgrade }) => {
      const window = phaseWindow(history, name);
      const began = started.some(
        ({ tMs, component }) =>
          window !== undefined &&
          tMs >= window.fromMs &&
          tMs <= window.toMs &&
          component === upgrade?.component,
      );
      return began ? [] : [`the ${upgrade?.component ?? ''} upgrade of phase ${name} never began`];
    });
    const open = started.filter(({ id, node }) => !settled.has(`${id} ${node}`));
    return conclude('upgrade-done', {
      failures: failed.map(
        ({ component, from, to, node, detail }) =>
          `${component} ${from} -> ${to} failed on ${node}${detail === undefined ? '' : `: ${detail}`}`,
      ),
      gaps: [
        ...gaps,
        ...open.map(({ component, to, node }) => `${component} ${to} on ${node} never ended`),
      ],
      notes: done.map(({ component, from, to, node }) => `${node}: ${component} ${from} -> ${to}`),
      evidence: { planned: planned.length, done: done.length },
      pass:
        planned.length === 0
          ? 'the plan upgrades nothing'
          : `${done.length} upgrades of nodes were done`,
    });
  },
};
