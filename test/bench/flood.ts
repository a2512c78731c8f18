/** How many packets a second the flood of NICs sends when it is asked for more: what a balancer of interrupts needs to show. */
import { monotonicMs } from '../../harness/core/clock.ts';
import type { Executor } from '../../harness/core/command.ts';
import { startFlood, stopFloods, type Flood } from '../../harness/disrupt/faults/trafgen.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { inLinkRoom, LINKED_NIC } from '../support/link-room.ts';
import type { Ratio } from './ratio.ts';

const ASKED = 80_000;
const LIMITS = { timeoutMs: 10_000 };
const MEASURE_S = 10;

export async function floodRate(): Promise<Ratio[]> {
  const flood: Flood = {
    ...{ nic: LINKED_NIC, packetsPerSecond: ASKED, flows: 64, limitSeconds: 3 * MEASURE_S },
    tag: `coalmine-bench-flood-${process.pid}`,
  };
  const value = await inLinkRoom(async (executor) => {
    await runOrThrow(executor, startFlood(flood), LIMITS);
    try {
      return await arrivingPerSecond(executor);
    } finally {
      await runOrThrow(executor, stopFloods([flood]), LIMITS);
    }
  });
  const unit = `to one link, ${ASKED} asked for, over ${MEASURE_S} s`;
  return [{ name: 'flood, packets a second', value, goal: { atLeast: 60_000 }, unit }];
}

async function arrivingPerSecond(executor: Executor): Promise<number> {
  const from = await arrived(executor);
  await runOrThrow(executor, { argv: ['sleep', String(MEASURE_S)] }, { timeoutMs: 60_000 });
  const to = await arrived(executor);
  return ((to.packets - from.packets) * 1_000) / (to.atMs - from.atMs);
}

async function arrived(executor: Executor): Promise<{ packets: number; atMs: number }> {
  const argv = ['cat', `/sys/class/net/${LINKED_NIC.name}/statistics/rx_packets`] as const;
  const packets = Number(await runOrThrow(executor, { argv }, LIMITS));
  return { packets, atMs: monotonicMs() };
}
