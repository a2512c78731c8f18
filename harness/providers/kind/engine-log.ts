/** What a private engine says, in a file: it ends with the run, and nobody else keeps it. */
import { createWriteStream } from 'node:fs';
import type { LocalProcess } from '../../exec/local.ts';

export function keepLog(
  { stdout, stderr, ended }: Pick<LocalProcess, 'stdout' | 'stderr' | 'ended'>,
  logFile: string,
): void {
  const log = createWriteStream(logFile, { flags: 'a' });
  const streams = [stdout, stderr];
  for (const stream of streams) stream.pipe(log, { end: false });
  // A full disk costs the log, and nothing else: an engine whose words nobody reads any more would stand still.
  log.on('error', () => {
    for (const stream of streams) stream.resume();
  });
  void ended.then(() => log.end());
}
