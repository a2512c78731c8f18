/** Makes an ext4 disk of a folder, without a loop device: raw and sparse. */
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';

export interface Disk {
  label: string;
  sizeMiB: number;
}

export async function makeDisk(
  folder: string,
  file: string,
  { label, sizeMiB }: Disk,
  signal: AbortSignal,
): Promise<void> {
  await runOrThrow(
    local,
    {
      argv: [
        ...(['mke2fs', '-q', '-F', '-t', 'ext4', '-L', label, '-m', '0', '-d', folder] as const),
        // Checksums cost a machine without KVM more than they could tell us about a disk that lives for one run.
        ...[
          '-O',
          '^metadata_csum,^resize_inode,^orphan_file',
          '-E',
          'lazy_itable_init=1,nodiscard',
        ],
        ...[file, `${sizeMiB}m`],
      ],
    },
    {
      timeoutMs: 600_000,
      signal,
      code: 'component',
      wayOut: 'Install e2fsprogs (`coalmine setup`).',
    },
  );
}
