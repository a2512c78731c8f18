import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { MachinePower } from '../../../../harness/core/node.ts';
import { meetOrReset } from '../../../../harness/providers/vm/hung-boot.ts';
import type { MachineSpec } from '../../../../harness/providers/vm/machine.ts';

const STALL = 'rcu: \tPossible timer handling issue on cpu=1 timer-softirq=4';
const PANIC = 'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)';

describe('a machine that hangs as it boots', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** A button that can be pressed once: the folder that it makes is there the second time. */
  const meet = async (console: string, meeting: Promise<string>) => {
    const pressed = path.join(folder, 'pressed');
    const said: string[] = [];
    const machine = {
      spec: { name: 'worker-1' } as MachineSpec,
      consoleTail: () => Promise.resolve(console),
      power: { reset: { argv: ['mkdir', pressed] } } as unknown as MachinePower,
    };
    const met = await meetOrReset(machine, meeting, (line) => said.push(line), 5);
    return { met, said, pressed: existsSync(pressed) };
  };

  it('is reset, once', async () => {
    const { met, said, pressed } = await meet(`quiet\n${STALL}\n`, delay(200, 'an agent'));
    assert.deepEqual([met, pressed], ['an agent', true]);
    assert.deepEqual(said, [
      'worker-1 hangs as it boots, and is reset: Possible timer handling issue on cpu=1',
    ]);
  });

  it('is left alone where it is only slow', async () => {
    const slow = await meet('rcu: INFO: rcu_preempt detected stalls', delay(50, 'an agent'));
    assert.deepEqual(slow, { met: 'an agent', said: [], pressed: false });
  });

  it('is told at once where its kernel panics, when the console has said all', async () => {
    const never = new Promise<string>(() => undefined);
    const console = `${PANIC}\nCall Trace:\n---[ end ${PANIC} ]---\n`;
    const message = `worker-1 does not boot: ${PANIC}${console}`;
    await assert.rejects(meet(console, never), { code: 'provision', message });
    await assert.rejects(meet(`${STALL}\n${console}`, never), { message: /does not boot/ });
    assert.equal((await meet(`${PANIC}\nCall Trace:\n`, delay(50, 'an agent'))).met, 'an agent');
  });

  it('is told where it is never met', async () => {
    await assert.rejects(
      meet(
        STALL,
        delay(50).then(() => Promise.reject(new Error('no agent'))),
      ),
    );
  });
});
