/**
 * Makes a machine that continues a saved one another machine: its clock, its name, its id, the addresses of its NICs.
 * What makes it a node of a cluster (certificate, addresses, the node's name) comes with joining: it was saved before.
 */
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Hand } from './hand.ts';
import type { MachineSpec } from './machine.ts';
import { machineIdOf, macOf } from './qemu.ts';
import { setClock } from './set-clock.ts';

const STEP_MS = 30_000;
const BATCH = '/run/coalmine-nics.batch';

export async function freshenMachine(
  hand: Pick<Hand, 'name' | 'run' | 'writeFile'>,
  spec: MachineSpec,
  signal: AbortSignal,
): Promise<void> {
  const limits = { timeoutMs: STEP_MS, signal, code: 'provision' } as const;
  await Promise.all([
    setClock(hand, signal),
    hand.writeFile('/proc/sys/kernel/hostname', spec.name),
    hand.writeFile('/etc/machine-id', `${machineIdOf(spec)}\n`, 0o444),
    hand
      .writeFile(BATCH, nicBatch(spec))
      .then(() => runOrThrow(hand, { argv: ['ip', '-batch', BATCH] }, limits)),
  ]);
  // It keeps its files below the machine's id, and readers look for them there.
  const restart = ['systemctl', '--no-block', 'restart', 'systemd-journald.service'] as const;
  await runOrThrow(hand, { argv: restart }, limits);
}

/** The devices remember what the saved machine's NICs had. */
export function nicBatch({ index, testNics }: Pick<MachineSpec, 'index' | 'testNics'>): string {
  const nics = Array.from({ length: testNics + 1 }, (_, nic) => nic);
  return nics.map((nic) => `link set dev eth${nic} address ${macOf(index, nic)}\n`).join('');
}
