/** Installs what machines are made with and run by. Only `coalmine setup` calls it, and it says what it does. */
import { readFile, writeFile } from 'node:fs/promises';
import { parseMadison } from '../../components/sources/debian-packages.ts';
import { hostMirrorLines } from '../../components/sources/apt.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { installPackages, updatePackageLists, type InstallOptions } from '../install-packages.ts';

/** 7.2, bookworm's own, panics with guests of kernel 6.12 without KVM. */
const QEMU_MAJOR_MIN = 10;
const QEMU_PACKAGE = 'qemu-system-x86';
/** What each is for: machines, their overlays, the modules of their kernels, their disks. */
const VM_PACKAGES = [QEMU_PACKAGE, 'qemu-utils', 'kmod', 'e2fsprogs'] as const;
const SOURCE_FILE = '/etc/apt/sources.list.d/coalmine-backports.list';
const ASK_MS = 60_000;

/** Idempotent. A source of backports is added only where the machine's own suites have no new enough QEMU. */
export async function installVmPackages(options: Omit<InstallOptions, 'packages'>): Promise<void> {
  const all = { ...options, packages: VM_PACKAGES };
  await updatePackageLists(all);
  const codename = codenameOf(await readFile('/etc/os-release', 'utf8'));
  const backports = `${codename}-backports`;
  const release = qemuRelease(await madison(options.signal), backports);
  if (release === 'none') await addBackports(backports, options);
  await installPackages(release === 'own' ? all : { ...all, targetRelease: backports });
}

/** @param madison of QEMU's package, the newest first */
export function qemuRelease(madison: string, backports: string): 'own' | 'backports' | 'none' {
  const newEnough = parseMadison(madison).filter(
    ({ version }) => Number.parseInt(version.replace(/^\d+:/, ''), 10) >= QEMU_MAJOR_MIN,
  );
  // apt itself takes nothing from backports without being told to.
  if (newEnough.some(({ suite }) => !suite.startsWith(`${backports}/`))) return 'own';
  return newEnough.length > 0 ? 'backports' : 'none';
}

export function codenameOf(osRelease: string): string {
  return /^VERSION_CODENAME=(\S+)$/m.exec(osRelease)?.[1] ?? 'stable';
}

function madison(signal: AbortSignal): Promise<string> {
  const argv = ['apt-cache', 'madison', QEMU_PACKAGE] as const;
  return runOrThrow(local, { argv }, { timeoutMs: ASK_MS, signal });
}

async function addBackports(
  suite: string,
  { say, signal }: Pick<InstallOptions, 'say' | 'signal'>,
): Promise<void> {
  const [line = ''] = await hostMirrorLines(signal);
  const source = line.replace(/\S+ main$/, `${suite} main`);
  say(`adding ${SOURCE_FILE}: ${suite}, because no other suite has QEMU ${QEMU_MAJOR_MIN}`);
  await writeFile(SOURCE_FILE, `${source}\n`);
}
