/**
 * Clocks of processes that were saved: whoever makes these again in a time namespace with the same clocks spares them a
 * jump, which may go back where the machine has booted meanwhile (time_namespaces(7)). CRIU does this itself where it may.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

const FILE = 'clocks.json';

/** Seconds that never go back; `boottime` counts those of a suspended machine, too. */
const clocks = z.strictObject({ monotonic: z.number(), boottime: z.number() });

function clocksNow(): z.infer<typeof clocks> {
  return { monotonic: Number(process.hrtime.bigint()) / 1e9, boottime: uptime() };
}

/**
 * Whoever was saved goes on already, so that its clocks were not later than these. It must live in this process's time
 * namespace.
 * @param folder of what was saved
 */
export async function saveClocks(folder: string): Promise<void> {
  await writeFile(path.join(folder, FILE), JSON.stringify(clocksNow()));
}

/** Returns the words that go before a program; it sees the saved clocks, at most a second later. Throws where none are. */
export async function inTimeOf(folder: string): Promise<[string, ...string[]]> {
  const saved = clocks.parse(JSON.parse(await readFile(path.join(folder, FILE), 'utf8')));
  const now = clocksNow();
  const [monotonic, boottime] = (['monotonic', 'boottime'] as const).map((name) => {
    // util-linux takes whole seconds only, and a clock must not go back.
    return String(Math.ceil(saved[name] - now[name]));
  }) as [string, string];
  const offsets = ['--monotonic', monotonic, '--boottime', boottime];
  return ['unshare', '--time', ...offsets, '--fork', '--kill-child', '--'];
}
