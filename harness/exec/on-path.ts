/** Where a tool is, without starting it: the question that preflight asks before anything is touched. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';

/** Returns the absolute path of an executable, or undefined. Root's tools count even where PATH lacks the sbin folders. */
export async function onPath(
  name: string,
  search = process.env['PATH'] ?? '',
): Promise<string | undefined> {
  for (const folder of [...search.split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']) {
    if (folder === '') continue;
    const file = path.join(folder, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}
