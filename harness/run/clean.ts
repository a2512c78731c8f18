/** `coalmine clean`: what dead runs left, from labels and recorded states alone. */
import { defaultCacheDir } from '../components/cache-folder.ts';
import { CoalmineError } from '../core/errors.ts';
import { cleanRun } from '../providers/clean.ts';

export interface CleanRequest {
  runId?: string;
  all: boolean;
  dryRun: boolean;
  say: (line: string) => void;
}

/** Returns what was (or would be) removed, one line each. Throws `undo` where something stays: the target is dirty. */
export async function clean({ runId, all, dryRun, say }: CleanRequest): Promise<string[]> {
  const { removed, kept, alive } = await cleanRun({
    cacheDir: defaultCacheDir(process.env),
    ...(runId === undefined ? {} : { runId }),
    all,
    dryRun,
    say,
  });
  if (alive.length > 0) {
    say(
      `left alone, because its run is alive: ${alive.map(nameOf).join(', ')}; --all ends such runs too`,
    );
  }
  if (kept.length > 0) {
    throw new CoalmineError(
      'undo',
      kept.map(({ leftover, why }) => `still there: ${nameOf(leftover)}: ${why}`).join('\n'),
      {
        wayOut:
          'Remove the cause, then run `coalmine clean` again; it may be done as often as wanted.',
      },
    );
  }
  return removed.map(nameOf);
}

function nameOf({ kind, name }: { kind: string; name: string }): string {
  return `${kind} ${name}`;
}
