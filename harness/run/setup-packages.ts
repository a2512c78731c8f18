/** What a run calls on this machine and what is not there: installed with apt, by `coalmine setup` alone. */
import { hasCode } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import { onPath } from '../exec/on-path.ts';
import { aptRefusal, installPackages, type InstallOptions } from '../providers/install-packages.ts';
import { findEngine } from '../providers/kind/engine-find.ts';
import { ENGINE_PACKAGES } from '../providers/kind/engine-packages.ts';
import { demandQemu } from '../providers/vm/accel.ts';
import { installVmPackages } from '../providers/vm/install.ts';

type Tools = Readonly<Record<string, string>>;
type Installing = Pick<InstallOptions, 'say' | 'signal'>;

/** Whatever nodes are: program to Debian package. */
const TOOLS: Tools = { mmdebstrap: 'mmdebstrap' };
/** For machines; what floods their NICs is among it. */
const VM_TOOLS: Tools = { trafgen: 'netsniff-ng', depmod: 'kmod', mke2fs: 'e2fsprogs' };
/** What coalmine's own tests and benches call as well. */
const TEST_TOOLS: Tools = { dnsperf: 'dnsperf', nft: 'nftables' };

export interface PackagesRequest extends Installing {
  /** Providers of the plans. */
  providers: ReadonlySet<Plan['provider']>;
  cacheDir: string;
  tests: boolean;
}

/** Nothing is installed where nothing is missing; what is installed is said before it is done. */
export async function installMissing(request: PackagesRequest): Promise<void> {
  const { providers, cacheDir, tests } = request;
  const tools = {
    ...TOOLS,
    ...(providers.has('vm') ? VM_TOOLS : {}),
    ...(tests ? TEST_TOOLS : {}),
  };
  const packages: string[] = [];
  for (const [tool, debianPackage] of Object.entries(tools)) {
    if ((await onPath(tool)) === undefined) packages.push(debianPackage);
  }
  if (providers.has('kind') && (await lacks(() => findEngine({ cacheDir }))))
    packages.push(...ENGINE_PACKAGES);
  if (packages.length > 0) await installPackages({ ...request, packages });
  if (providers.has('vm') && (await lacksQemu())) await installVmPackages(request);
}

/** Returns why this machine can have no machines in it, or undefined: QEMU is missing, and apt may not be asked for it. */
export async function vmOutOfReach(): Promise<string | undefined> {
  if (!(await lacksQemu())) return undefined;
  const refusal = await aptRefusal();
  if (refusal === undefined) return undefined;
  return `QEMU 10 is missing and cannot be installed (${refusal})`;
}

async function lacksQemu(): Promise<boolean> {
  return (await lacks(demandQemu)) || (await onPath('qemu-img')) === undefined;
}

async function lacks(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return false;
  } catch (error) {
    if (hasCode(error, 'preflight')) return true;
    throw error;
  }
}
