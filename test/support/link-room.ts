/** Namespaces of their own with one link in them, whose far end is a NIC that counts what arrives. */
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import type { Executor } from '../../harness/core/command.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import type { MachineNic } from '../../harness/core/node.ts';
import { startLocal } from '../../harness/exec/local.ts';
import { localNode } from './local-agent.ts';

const MAC = '52:54:00:c0:00:01';
const LIMITS = { timeoutMs: 10_000 };
/** Whatever becomes of us, they end. */
const LIFE_S = '120';
const unused = { argv: ['true'] } as const;

export const LINKED_NIC: MachineNic = {
  ...{ name: 'in', mac: MAC, address: '172.31.16.2/24' },
  peer: { link: 'out', address: '172.31.16.1' },
  ...{ detach: unused, attach: unused, verify: { command: unused, exitCode: 0 } },
};

/** Needs root; `/sys` shows the devices of in there. */
export async function inLinkRoom<T>(body: (executor: Executor) => Promise<T>): Promise<T> {
  const holder = startLocal({ argv: ['unshare', '--net', '--mount', 'sleep', LIFE_S] });
  try {
    const own = readlinkSync('/proc/self/ns/mnt');
    await waitFor({ what: 'namespaces', timeoutMs: 5_000, everyMs: 10 }, () =>
      Promise.resolve(readlinkSync(`/proc/${holder.pid}/ns/mnt`) === own ? undefined : true),
    );
    const executor = localNode(['nsenter', `--target=${holder.pid}`, '--net', '--mount', '--']);
    const run = async (...argv: [string, ...string[]]): Promise<void> => {
      const { exitCode, stderr } = await executor.run({ argv }, LIMITS);
      assert.equal(exitCode, 0, stderr);
    };
    await run('mount', '-t', 'sysfs', 'coalmine', '/sys');
    await run('ip', 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'in', 'address', MAC);
    for (const link of ['out', 'in']) await run('ip', 'link', 'set', link, 'up');
    return await body(executor);
  } finally {
    holder.kill('SIGKILL');
    await holder.ended;
  }
}
