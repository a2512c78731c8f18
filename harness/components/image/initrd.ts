/**
 * The first root of a machine: only what it takes to mount the two disks, so that a boot is quick. It also names the
 * virtio-serial ports, as udev will do later, so that the node agent need not wait for udev.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NODE_DIR } from '../../core/names.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';
import { cpioArchive, type CpioEntry } from './cpio.ts';
import { moduleOrder } from './module-order.ts';

/** What the machine's own devices need; the rest is loaded from the disk. */
const MODULES = ['virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_net', 'ext4'];

/** @param modules names of files below /modules, in the order in which they are loaded */
export function initScript(modules: readonly string[]): string {
  return `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys
give_up() {
  echo "initrd: $1"
  poweroff -f
}
${modules.map((name) => `insmod /modules/${name}`).join('\n')}
tries=0
until [ -b /dev/vda ] && [ -b /dev/vdb ]; do
  tries=$((tries + 1))
  [ $tries -gt 500 ] && give_up 'there are no two disks'
  usleep 20000
done
mkdir /dev/virtio-ports
for port in /sys/class/virtio-ports/*; do
  [ -e $port/name ] && ln -s ../\${port##*/} /dev/virtio-ports/$(cat $port/name)
done
mount -t ext4 -o rw,noatime /dev/vda /root || give_up 'the root disk cannot be mounted'
mount -t ext4 -o ro /dev/vdb /root${NODE_DIR} || give_up 'the tools disk cannot be mounted'
[ -s /root/etc/machine-id ] || tr -d - < /proc/sys/kernel/random/uuid > /root/etc/machine-id
mount --move /dev /root/dev
umount /sys
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /sbin/init
`;
}

/** @param kernel the component's artifact, a tar */
export function produceInitrd(
  store: ComponentStore,
  kernel: Artifact,
  busybox: Artifact,
  context: StoreContext,
): Promise<Artifact> {
  return store.produce(
    {
      name: 'initrd',
      version: kernel.version,
      inputs: ['initrd 1', kernel.digest, busybox.digest, initScript([]), ...MODULES],
      needBytes: 300_000_000,
      aboutSeconds: 5,
      make: async (file, { signal }) => {
        const folder = `${file}.kernel`;
        await unpackModules(kernel, folder, signal);
        await writeFile(file, cpioArchive(await initrdEntries(folder, busybox, signal)));
        await rm(folder, { recursive: true });
      },
    },
    context,
  );
}

async function unpackModules(kernel: Artifact, folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(folder);
  await runOrThrow(
    local,
    {
      argv: [
        'tar',
        '--extract',
        `--file=${kernel.path}`,
        '--directory',
        folder,
        './release',
        './modules',
      ],
    },
    { timeoutMs: 120_000, signal, code: 'component' },
  );
}

async function initrdEntries(
  folder: string,
  busybox: Artifact,
  signal: AbortSignal,
): Promise<CpioEntry[]> {
  const release = (await readFile(path.join(folder, 'release'), 'utf8')).trim();
  const home = path.join(folder, 'modules', release);
  const read = (name: string): Promise<string> => readFile(path.join(home, name), 'utf8');
  const files = moduleOrder(MODULES, await read('modules.dep'), await read('modules.builtin'));
  const modules: CpioEntry[] = [];
  for (const file of files)
    modules.push({
      path: `modules/${plainName(file)}`,
      mode: 0o644,
      content: await readModule(path.join(home, file), busybox, signal),
    });
  return [
    ...['bin', 'dev', 'proc', 'sys', 'root', 'modules'].map((name) => ({
      path: name,
      folder: true as const,
    })),
    // The kernel opens it for init before anything is mounted.
    { path: 'dev/console', device: [5, 1] },
    { path: 'bin/busybox', mode: 0o755, content: await readFile(busybox.path) },
    { path: 'init', mode: 0o755, content: Buffer.from(initScript(files.map(plainName))) },
    ...modules,
  ];
}

function plainName(file: string): string {
  return path.posix.basename(file).replace(/\.xz$/, '');
}

/** Compressed ones are unpacked here: a boot is slow enough. */
async function readModule(file: string, busybox: Artifact, signal: AbortSignal): Promise<Buffer> {
  if (file.endsWith('.xz'))
    await runOrThrow(
      local,
      { argv: [busybox.path, 'unxz', file] },
      { timeoutMs: 30_000, signal, code: 'component' },
    );
  return await readFile(file.replace(/\.xz$/, ''));
}
