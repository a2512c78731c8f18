/** A real agent for tests: the bundle as a node would run it, as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundleTo } from '../../support/bundle.ts';
import {
  connectAgent,
  type AgentConnection,
  type ConnectOptions,
} from '../../../harness/agent/client.ts';
import type { AgentStream } from '../../../harness/agent/wire.ts';
import { startRunClock } from '../../../harness/core/clock.ts';
import { waitFor } from '../../../harness/core/deadline.ts';
import type { UndoRecord } from '../../../harness/core/undo.ts';

export interface Workshop {
  readonly dir: string;
  readonly program: string;
  readonly undoDir: string;
  file(name: string): string;
  remove(): void;
}

/** A temporary folder with the bundled agent in it. */
export async function openWorkshop(): Promise<Workshop> {
  const dir = mkdtempSync(path.join(tmpdir(), 'coalmine-agent-'));
  const program = path.join(dir, 'agent.mjs');
  await bundleTo(program, 'agent');
  return {
    dir,
    program,
    undoDir: path.join(dir, 'undo'),
    file: (name) => path.join(dir, name),
    remove: () => {
      rmSync(dir, { recursive: true });
    },
  };
}

export function spawnAgent({ program }: Workshop) {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close').then(([exitCode]) => exitCode as number | null);
  const { stdin, stdout, stderr } = child;
  return { child, pid: child.pid!, stream: { stdin, stdout, stderr, ended } };
}

export function connect(
  workshop: Workshop,
  { stream }: { stream: AgentStream },
  more: Partial<ConnectOptions> = {},
): Promise<AgentConnection> {
  return connectAgent({
    stream,
    node: 'w1',
    clock: startRunClock(),
    runId: 'run-1',
    undoDir: workshop.undoDir,
    onGap: () => undefined,
    onLost: () => undefined,
    ...more,
  });
}

/** Puts `content` back into `file`, and says so in `log`. */
export function restoring(
  id: string,
  file: string,
  content: string,
  log = '/dev/null',
): UndoRecord {
  return {
    id,
    fault: 'scribble',
    where: 'w1',
    undo: [{ argv: ['sh', '-c', 'echo "$0" >> "$1"', id, log] }],
    restore: [{ path: file, content }],
    verify: { command: { argv: ['cat', file] }, exitCode: 0, stdout: content },
    timeoutMs: 5_000,
  };
}

/** Whether a process is there and no zombie: nobody may have reaped an orphan in a container. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export function untilGone(pid: number): Promise<true> {
  return waitFor({ what: `process ${pid} to end`, timeoutMs: 10_000, everyMs: 20 }, () =>
    Promise.resolve(isAlive(pid) ? undefined : true),
  );
}

export function until(what: string, holds: () => boolean): Promise<true> {
  return waitFor({ what, timeoutMs: 10_000, everyMs: 10 }, () =>
    Promise.resolve(holds() ? true : undefined),
  );
}
