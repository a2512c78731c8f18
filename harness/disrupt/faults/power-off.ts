/**
 * Pulls the plug of the machine under a node and puts it back after a while: what was in its memory is gone, what was on its
 * disk is there, and the rest of the cluster goes on without it meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { monotonicMs } from '../../core/clock.ts';
import { positiveDurationSchema } from '../../core/duration.ts';
import type { Fault } from './fault.ts';
import { nodeParam } from './node-param.ts';
import { BACK_MS, must, restarting, switchOf } from './restart.ts';

const params = z.strictObject({
  node: nodeParam,
  for: positiveDurationSchema.describe('how long it stays off'),
});

export const powerOff: Fault<z.infer<typeof params>> = {
  name: 'power-off',
  params,
  prepare: async ({ for: forMs }, { node, agent, controller, restartBy }) => {
    const { power, restartBy: restart } = switchOf(node, restartBy);
    let offSinceMs: number | undefined;
    const off = async (): Promise<void> => {
      await must(controller, power.off);
      offSinceMs = monotonicMs();
    };
    return Promise.resolve({
      where: 'controller',
      undo: { undo: [power.on], restore: [], verify: power.verify, timeoutMs: BACK_MS },
      over: () => delay(Math.max(0, (offSinceMs ?? 0) + forMs - monotonicMs())),
      ...restarting({ node, agent }, restart, {
        why: 'the fault power-off',
        offMs: forMs,
        deed: off,
      }),
    });
  },
};
