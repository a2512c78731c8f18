/**
 * What decides whether a saved machine can be continued: everything that it booted from, its hardware, and the program that
 * wrote it down. Names, addresses and folders do not: they are made anew. Pure, but for what KVM passes through.
 */
import { cpus, release } from 'node:os';
import { sha256OfInputs } from '../../components/digest.ts';
import type { Accel } from './accel.ts';
import type { MachineSpec } from './machine.ts';
import { qemuArgv } from './qemu.ts';

/** Of what is done to a machine before it is saved. */
const FORMAT = 'snapshot-1';
const KEY_CHARS = 16;

export type SnapshotSpec = Omit<MachineSpec, 'name' | 'index' | 'runId' | 'folder'>;

export function snapshotInputs(
  spec: SnapshotSpec,
  { accel, qemu }: { accel: Accel['kind']; qemu: string },
): string[] {
  const image = { ...spec.image, kernel: '', initrd: '', rootDisk: '', toolsDisk: '' };
  const nobody = { ...spec, image, name: '', index: 0, runId: '', folder: '/' };
  // KVM shows a guest the processor that it has.
  const host = accel === 'kvm' ? [cpus()[0]?.model ?? '', release()] : [];
  return [FORMAT, spec.image.digest, `QEMU ${qemu}`, ...host, ...qemuArgv(nobody, accel)];
}

export function snapshotKey(inputs: readonly string[]): string {
  return sha256OfInputs(inputs).slice(0, KEY_CHARS);
}
