/** The real agent as a process inside a network namespace: a node whose rules are its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { connectAgent, type AgentConnection } from '../../harness/agent/client.ts';
import type { RunClock } from '../../harness/core/clock.ts';
import { startLocal } from '../../harness/exec/local.ts';
import { bundleTo } from './bundle.ts';

export interface AgentInside {
  readonly agent: AgentConnection;
  stop(): Promise<void>;
}

/** `prefix` is put before the program, to enter the namespace. */
export async function startAgentInside(
  node: string,
  clock: RunClock,
  prefix: readonly [string, ...string[]],
): Promise<AgentInside> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-agent-'));
  const program = path.join(folder, 'agent.mjs');
  await bundleTo(program, 'agent');
  const child = startLocal({ argv: [...prefix, process.execPath, program] });
  const agent = await connectAgent({
    stream: child,
    node,
    clock,
    runId: 'inside',
    undoDir: path.join(folder, 'undo'),
    onGap: () => undefined,
    onLost: () => undefined,
  });
  return {
    agent,
    stop: async () => {
      await agent.close();
      child.kill('SIGKILL');
      await child.ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
