/** Questions about this machine that a run on machines asks before it touches anything; each refusal has its way out. */
import { access, constants } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { formatBytes, freeBytes } from '../../components/disk.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import { onPath } from '../../exec/on-path.ts';
import { memoryRefusal } from '../memory.ts';
import { demandQemu } from './accel.ts';
import { machineShape } from './versions.ts';

const MIB = 1_048_576;
/** As measured: the API server is two thirds of it. */
const CONTROL_PLANE_BYTES = 600 * MIB;
/** QEMU's own, beside the guest's memory. */
const QEMU_BYTES = 200 * MIB;
/** What a node writes to its overlay. */
const OVERLAY_BYTES = 500 * MIB;
const TUN = '/dev/net/tun';

/** Throws `preflight` with the way out. */
export async function vmPreflight(plan: Plan): Promise<void> {
  await demandQemu();
  await demandQemuImg();
  await demandTool('ip', 'Install iproute2.');
  await demandTun();
  const { memoryMiB } = machineShape(plan);
  const memory = CONTROL_PLANE_BYTES + plan.nodes * (memoryMiB * MIB + QEMU_BYTES);
  demand(
    await memoryRefusal(memory),
    'Choose fewer nodes, or machines with less memory (`machine.memoryMiB`).',
  );
  demand(
    await overlayRefusal(plan.nodes * OVERLAY_BYTES),
    'Free room there, or set TMPDIR to a folder on a larger disk.',
  );
}

export async function demandQemuImg(): Promise<void> {
  await demandTool('qemu-img', 'Run `coalmine setup` as root, or install qemu-utils.');
}

function demand(refusal: string | undefined, wayOut: string): void {
  if (refusal !== undefined) throw new CoalmineError('preflight', refusal, { wayOut });
}

async function demandTool(tool: string, wayOut: string): Promise<void> {
  demand((await onPath(tool)) === undefined ? `${tool} is not installed` : undefined, wayOut);
}

async function demandTun(): Promise<void> {
  const code = await access(TUN, constants.R_OK | constants.W_OK).then(
    () => undefined,
    (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error),
  );
  demand(
    code === undefined
      ? undefined
      : `${TUN} cannot be opened (${code}), and machines have no network without it`,
    code === 'EACCES'
      ? `Run as root, or let everybody open it, as most distributions do: \`chmod 666 ${TUN}\`.`
      : 'Load the module `tun`; in a container, pass the device in (`--device /dev/net/tun`).',
  );
}

/** @param needBytes of all nodes */
export async function overlayRefusal(
  needBytes: number,
  folder = tmpdir(),
): Promise<string | undefined> {
  const haveBytes = await freeBytes(folder);
  if (haveBytes >= needBytes) return undefined;
  return `the disks of the nodes need about ${formatBytes(needBytes)} in ${folder}, and there are ${formatBytes(haveBytes)}`;
}
