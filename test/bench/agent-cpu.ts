/** What the node agent costs: its CPU time while it reads seven busy /proc files ten times a second. */
import { monotonicMs } from '../../harness/core/clock.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { processStat } from '../support/cpu-time.ts';
import { connect, openWorkshop, spawnAgent } from '../unit/agent/start-agent.ts';
import type { Ratio } from './ratio.ts';

const FILES = [
  '/proc/net/softnet_stat',
  '/proc/net/dev',
  '/proc/net/snmp',
  '/proc/net/netstat',
  '/proc/net/sockstat',
  '/proc/interrupts',
  '/proc/softirqs',
];
const EVERY_MS = 100;
const WARM_UP_MS = 5_000;
const LENGTH_MS = 30_000;

/** Measures after a warm-up in which the engine compiles what is hot. */
export async function agentCpu(): Promise<Ratio[]> {
  const workshop = await openWorkshop();
  const spawned = spawnAgent(workshop);
  const agent = await connect(workshop, spawned);
  try {
    let reads = 0;
    const onProgress = (progress: { reads: number; failures: number }): void => {
      reads += progress.reads - progress.failures;
    };
    await agent.watch(
      { files: FILES },
      { everyMs: EVERY_MS, onReading: () => undefined, onProgress },
    );
    await passed(WARM_UP_MS);
    const { cpuMs: fromCpuMs } = processStat(spawned.pid);
    const [fromMs, fromReads] = [monotonicMs(), reads];
    await passed(LENGTH_MS);
    const spentMs = processStat(spawned.pid).cpuMs - fromCpuMs;
    const tookMs = monotonicMs() - fromMs;
    const rate = (reads - fromReads) / (tookMs / 1_000);
    if (rate < 9) throw new Error(`the agent read ${rate.toFixed(1)} times a second, not 10`);
    return [
      {
        name: 'node agent, 7 files at 10 Hz',
        value: spentMs / tookMs,
        goal: { atMost: 0.01 },
        unit: `share of one core, over ${LENGTH_MS / 1_000} s after a warm-up`,
      },
    ];
  } finally {
    await agent.close();
    workshop.remove();
  }
}

function passed(lengthMs: number): Promise<true> {
  const endMs = monotonicMs() + lengthMs;
  const wait = { what: 'the time to pass', timeoutMs: lengthMs + 5_000, everyMs: 100 };
  return waitFor(wait, () => Promise.resolve(monotonicMs() >= endMs ? true : undefined));
}
