/**
 * This machine, or one network namespace of it, as a node: real processes, real rules. What runs `/coalmine/node` on a
 * node runs this very Node.js here.
 */
import { carryOut } from '../../harness/core/carry-out.ts';
import type { Executor } from '../../harness/core/command.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { CoalmineError } from '../../harness/core/errors.ts';
import { NODE_DIR } from '../../harness/core/names.ts';
import type { NodeAgent } from '../../harness/core/node.ts';
import type { UndoRecord } from '../../harness/core/undo.ts';
import { readlinkSync, writeFileSync } from 'node:fs';
import { local, startLocal } from '../../harness/exec/local.ts';

/** `prefix` is put before every command, for example to enter a namespace. */
export function localNode(prefix: readonly string[] = []): Executor {
  return {
    name: 'local',
    run: ({ argv: [file, ...args], ...rest }, options) => {
      const program = file === `${NODE_DIR}/node` ? process.execPath : file;
      const [first = program, ...others] = [...prefix, program, ...args];
      return local.run({ argv: [first, ...others], ...rest }, options);
    },
  };
}

export function localAgent(executor: Executor): NodeAgent {
  const held = new Map<string, UndoRecord>();
  const unused = (): never => {
    throw new Error('not part of this agent');
  };
  const writeFile = (path: string, content: string): Promise<void> => {
    writeFileSync(path, content);
    return Promise.resolve();
  };
  return {
    ...executor,
    watch: unused,
    start: unused,
    wallToRunMs: unused,
    heardMs: unused,
    behind: unused,
    tickEvery: () => Promise.resolve(),
    writeFile,
    arm: (record) => {
      held.set(record.id, record);
      return Promise.resolve();
    },
    undo: async (id) => {
      const record = held.get(id);
      if (record === undefined) throw new CoalmineError('undo', `no record ${id}`);
      const { verified, problems } = await carryOut(record, executor, writeFile);
      if (!verified) throw new CoalmineError('undo', problems.join('; '));
    },
  };
}

/** Makes a network namespace that lives as long as one process, so that nothing of it can be left. */
export async function inNetworkNamespace(
  body: (executor: Executor, prefix: readonly string[]) => Promise<void>,
): Promise<void> {
  const holder = startLocal({ argv: ['unshare', '--net', 'sleep', '120'] });
  try {
    const own = readlinkSync('/proc/self/ns/net');
    await waitFor({ what: 'a network namespace', timeoutMs: 5_000, everyMs: 10 }, () =>
      Promise.resolve(readlinkSync(`/proc/${holder.pid}/ns/net`) === own ? undefined : true),
    );
    const prefix = ['nsenter', `--net=/proc/${holder.pid}/ns/net`];
    const executor = localNode(prefix);
    await executor.run({ argv: ['ip', 'link', 'set', 'lo', 'up'] }, { timeoutMs: 5_000 });
    await body(executor, prefix);
  } finally {
    holder.kill('SIGKILL');
    await holder.ended;
  }
}
