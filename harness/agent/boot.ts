/** Which boot of its kernel a node runs, and since when: by the kernel's own word, so that a reboot is proved by it. */
import type { RunClock } from '../core/clock.ts';
import type { Executor } from '../core/command.ts';
import { CoalmineError } from '../core/errors.ts';
import type { Boot } from '../core/node.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const UPTIME = '/proc/uptime';
const READ_MS = 30_000;

export async function readBoot(node: Executor, clock: RunClock): Promise<Boot> {
  const fromMs = clock.nowMs();
  const { stdout } = await node.run({ argv: ['cat', BOOT_ID, UPTIME] }, { timeoutMs: READ_MS });
  return parseBoot(stdout, fromMs, clock.nowMs()) ?? refuse(node.name, stdout);
}

/** The uptime was read somewhere between the two times. Undefined where the text is something else. Pure. */
export function parseBoot(text: string, fromMs: number, toMs: number): Boot | undefined {
  const [, id, seconds] = /^([0-9a-f-]{36})\n(\d+\.\d+) /.exec(text) ?? [];
  if (id === undefined) return undefined;
  const upMs = Number(seconds) * 1_000;
  return { id, atMs: (fromMs + toMs) / 2 - upMs, errorMs: (toMs - fromMs) / 2 };
}

function refuse(node: string, said: string): never {
  const text = `the kernel of ${node} does not say which boot it is: ${JSON.stringify(said.slice(0, 200))}`;
  throw new CoalmineError('agent', text);
}
