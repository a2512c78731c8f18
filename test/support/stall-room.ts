/**
 * One idle machine that is stalled again and again: `stall-room IMAGE-JSON FOLDER`. Prints as one line of JSON by how much
 * the gap that its agent saw differs from what was asked, and what the idle machine cost its host before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { VmImage } from '../../harness/components/image/vm-image.ts';
import { startRunClock } from '../../harness/core/clock.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import type { EventOf } from '../../harness/core/history.ts';
import { bootMachine, reach } from './boot-machine.ts';
import { coresOf, processStat } from './cpu-time.ts';

export interface StallReport {
  askedMs: number;
  /** The middle of what each gap can have been, minus what was asked. */
  offMs: number[];
  /** CPU time of QEMU ÷ wall time, with the agent's heartbeat and nothing else. */
  idleCores: number;
}

const STALLS = 100;
const ASKED_MS = 1_000;
const TICK_MS = 5;
const SETTLE_MS = 10_000;
const IDLE_MS = 20_000;
/** Longer than what a woken machine has to catch up with. */
const BETWEEN_MS = 700;

async function main(image: VmImage, folder: string): Promise<StallReport> {
  const clock = startRunClock();
  const gaps: EventOf<'agent-gap'>[] = [];
  const { machine, network } = await bootMachine(image, folder);
  try {
    const agent = await reach(machine, 'agent', clock, (event) => {
      if (event.kind === 'agent-gap' && event.tickMs === TICK_MS) gaps.push(event);
    });
    await delay(SETTLE_MS);
    const idleCores = await coresOf(
      () => processStat(machine.pid).cpuMs,
      () => delay(IDLE_MS),
    );
    const stall = machine.freezes.stall?.hold;
    if (stall === undefined) throw new Error('a machine that cannot be stalled');
    for (let count = 1; count <= STALLS; count += 1) {
      await agent.tickEvery(TICK_MS, ASKED_MS + 2 * BETWEEN_MS);
      const seen = gaps.length;
      await (
        await stall(ASKED_MS)
      ).over;
      await waitFor({ what: `stall ${count} to be seen`, timeoutMs: 10_000, everyMs: 20 }, () =>
        Promise.resolve(gaps.length > seen ? true : undefined),
      );
      await delay(BETWEEN_MS);
    }
    const offMs = gaps.map(({ gapMs, tickMs = 0 }) => gapMs - tickMs / 2 - ASKED_MS);
    return { askedMs: ASKED_MS, offMs, idleCores };
  } finally {
    await machine.kill();
    await network.close();
  }
}

const [image = '', folder = ''] = process.argv.slice(2);
console.log(JSON.stringify(await main(JSON.parse(image) as VmImage, folder)));
process.exit(0);
