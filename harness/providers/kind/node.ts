/** A node of kind: a container. Commands run in it through the engine, and it freezes by the engine's freezer. */
import { NODE_DIR } from '../../core/names.ts';
import type { Command, Completed, RunOptions } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { MachineFreeze } from '../../core/node.ts';
import { startLocal } from '../../exec/local.ts';
import type { ClusterNode } from '../provider.ts';
import type { Engine } from './engine.ts';

export interface KindNode {
  /** Of the container and of the Kubernetes node. */
  name: string;
  role: ClusterNode['role'];
  addresses: readonly string[];
}

/** More than enough for a signal to arrive; the limit that people see is the caller's own. */
const GRACE_S = 2;

export function kindNode(engine: Engine, { name, role, addresses }: KindNode): ClusterNode {
  return {
    name,
    role,
    addresses,
    freezes: { pause: freezeOf(engine, name) },
    run: (command, options) => runOn(engine, name, command, options),
    startAgent: () =>
      Promise.resolve(
        startLocal(
          engine.command(['exec', '-i', name, `${NODE_DIR}/node`, `${NODE_DIR}/agent.mjs`]),
        ),
      ),
  };
}

/** `docker pause` stops the processes of a node; its part of the kernel (softirq, timers, conntrack) goes on. */
function freezeOf(engine: Engine, name: string): MachineFreeze {
  return {
    stops: 'processes',
    shows: 'agent-gap',
    inject: engine.command(['pause', name]),
    undo: engine.command(['unpause', name]),
    verify: {
      command: {
        ...engine.command(['inspect', '--format', '{{.State.Running}} {{.State.Paused}}', name]),
      },
      exitCode: 0,
      stdout: 'true false',
    },
  };
}

async function runOn(
  engine: Engine,
  name: string,
  command: Command,
  options: RunOptions,
): Promise<Completed> {
  const { argv, env = {}, stdin } = command;
  // Killing `docker exec` leaves the process in the container alone, so a second clock runs in there.
  const limitS = Math.ceil(options.timeoutMs / 1_000) + GRACE_S;
  const completed = await engine.run(
    [
      ...['exec', ...(stdin === undefined ? [] : ['-i'])],
      ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      ...[name, 'timeout', '--signal=KILL', String(limitS), ...argv],
    ],
    { ...options, ...(stdin === undefined ? {} : { stdin }) },
  );
  if (completed.exitCode === 0) return completed;
  await demandReachable(engine, name, options);
  return completed;
}

/** docker's own failures look like the command's, so the state of the container decides. */
async function demandReachable(engine: Engine, name: string, options: RunOptions): Promise<void> {
  const format = '{{.State.Running}} {{.State.Paused}}';
  const asked = await engine.run(['inspect', '--format', format, name], options);
  if (asked.exitCode === 0 && asked.stdout.trim() === 'true false') return;
  const [running, paused] = asked.stdout.trim().split(' ');
  const how = paused === 'true' ? 'is paused' : running === 'false' ? 'has stopped' : 'is gone';
  throw new CoalmineError('agent', `the container of node ${name} ${how}`);
}
