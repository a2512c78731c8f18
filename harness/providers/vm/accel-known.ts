/**
 * That guests die on KVM here is found out once for each boot of this machine: it takes seconds, which every run would wait
 * for. That they live is tried each time, for a machine that was moved since may have lost it; so is
 * a device that cannot be opened, for somebody else may.
 */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { demandQemu, findAccel, KVM, type Accel } from './accel.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

const refusalSchema = z.strictObject({ under: z.string(), at: z.string(), reason: z.string() });

export interface KnownAccel {
  /** The one that guests run; its path tells its version. */
  readonly kernel: string;
  /** Where a refusal is written down. */
  readonly file: string;
  readonly device?: string;
  readonly find?: typeof findAccel;
}

/** Never throws, like `findAccel`. */
export async function findAccelOnce(known: KnownAccel): Promise<Accel> {
  const { kernel, file, device = KVM, find = findAccel } = known;
  const under = await circumstances(kernel, device).catch(() => undefined);
  const before = await readRefusal(file);
  if (before !== undefined && before.under === under)
    return { kind: 'tcg', reason: `${before.reason}, as was found at ${before.at}` };
  const found = await find({ kernel }, device);
  if (found.died === true && under !== undefined) {
    const refusal = { under, at: new Date().toISOString(), reason: found.reason };
    await writeFile(file, JSON.stringify(refusal)).catch(() => undefined); // it is found out again then
  }
  return found;
}

/** With another one of these the answer may be another: a module that is loaded anew makes its device anew. */
async function circumstances(kernel: string, device: string): Promise<string> {
  const { ino, ctimeNs, mode } = await stat(device, { bigint: true });
  const boot = (await readFile(BOOT_ID, 'utf8')).trim();
  return [boot, device, ino, ctimeNs, mode, await demandQemu(), kernel].join(' ');
}

async function readRefusal(file: string): Promise<z.infer<typeof refusalSchema> | undefined> {
  try {
    return refusalSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}
