/** A folder as one tar: the same files give the same bytes (names sorted, times zero, owner root). */
import { local } from '../exec/local.ts';
import { runOrThrow } from '../exec/run-or-throw.ts';

const PACK_TIMEOUT_MS = 300_000;

export async function packTree(folder: string, file: string, signal: AbortSignal): Promise<void> {
  await runOrThrow(
    local,
    {
      argv: [
        ...(['tar', '--create', '--format=pax', '--sort=name', '--numeric-owner'] as const),
        ...['--owner=0', '--group=0', '--mtime=@0', '--pax-option=delete=atime,delete=ctime'],
        ...[`--file=${file}`, '--directory', folder, '.'],
      ],
    },
    { timeoutMs: PACK_TIMEOUT_MS, signal },
  );
}
