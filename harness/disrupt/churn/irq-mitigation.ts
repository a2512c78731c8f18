/**
 * The mitigation of seed 000 beside a run: who watches from outside restarts irqbalance (`systemctl try-restart`) when one
 * CPU of the node serves nearly all packets, and looks again after a pause. It says each restart in the history. Without
 * one it was not felt: then nothing is proved about it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { durationSchema, positiveDurationSchema } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { NodeAgent } from '../../core/node.ts';
import { sayChurn, type Churn } from './churn.ts';

const params = z.strictObject({
  for: positiveDurationSchema.describe('how long it watches'),
  every: positiveDurationSchema.default(5_000).describe('how often it looks'),
  busiestShareMax: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('share of all packets on one CPU above which spread is lost'),
  packetsMin: z
    .int()
    .min(1)
    .default(2_000)
    .describe('packets between two looks, below which nothing is lost'),
  pause: durationSchema.default(20_000).describe('after a restart, until it looks again'),
});
type Params = z.infer<typeof params>;

const ASK_MS = 10_000;
const RESTART_MS = 30_000;

export const irqMitigation: Churn<Params> = {
  name: 'irq-mitigation',
  params,
  run: async (wanted, context) => {
    const endMs = context.clock.nowMs() + wanted.for;
    const all = await Promise.all(
      context.nodes.map(async ({ node, agent }) => {
        const restarts = await watch(
          wanted,
          agent,
          endMs,
          () => context.clock.nowMs(),
          context.signal,
          () => {
            sayChurn(
              'irq-mitigation',
              { action: 'try-restart', object: `${node.name}/irqbalance` },
              context,
            );
          },
        );
        return `${node.name} ${restarts}`;
      }),
    );
    return {
      felt: all.some((one) => !one.endsWith(' 0')),
      evidence: `irqbalance was restarted because one CPU served all, by node: ${all.join(', ')}`,
    };
  },
};

/** Returns how often it restarted. */
async function watch(
  { every, busiestShareMax, packetsMin, pause }: Params,
  agent: NodeAgent,
  endMs: number,
  nowMs: () => number,
  signal: AbortSignal,
  onRestart: () => void,
): Promise<number> {
  let restarts = 0;
  let before = await packetsByCpu(agent);
  while (nowMs() + every <= endMs) {
    await delay(every, undefined, { signal });
    const now = await packetsByCpu(agent);
    const lost = isLost(before, now, { busiestShareMax, packetsMin });
    before = now;
    if (!lost) continue;
    await restart(agent);
    restarts += 1;
    onRestart();
    await delay(Math.max(0, Math.min(pause, endMs - nowMs())), undefined, { signal });
    before = await packetsByCpu(agent);
  }
  return restarts;
}

/** Whether one CPU served nearly all of the packets between two readings. Pure. */
export function isLost(
  before: readonly number[],
  now: readonly number[],
  { busiestShareMax, packetsMin }: Pick<Params, 'busiestShareMax' | 'packetsMin'>,
): boolean {
  const grown = now.map((count, cpu) => (count - (before[cpu] ?? 0) + 2 ** 32) % 2 ** 32);
  const total = grown.reduce((sum, one) => sum + one, 0);
  return total >= packetsMin && Math.max(...grown) > busiestShareMax * total;
}

async function packetsByCpu(agent: NodeAgent): Promise<number[]> {
  const command = { argv: ['cat', '/proc/net/softnet_stat'] } as const;
  const { stdout } = await agent.run(command, { timeoutMs: ASK_MS });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseInt(line, 16));
}

async function restart(agent: NodeAgent): Promise<void> {
  const command = { argv: ['systemctl', 'try-restart', 'irqbalance'] } as const;
  const { exitCode, stderr } = await agent.run(command, { timeoutMs: RESTART_MS });
  if (exitCode === 0) return;
  throw new CoalmineError(
    'inject',
    `irqbalance on ${agent.name} did not restart: ${stderr.trim()}`,
  );
}
