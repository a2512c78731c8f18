import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { demandDisk, freeBytes } from '../../../harness/components/disk.ts';
import { hasCode } from '../../../harness/core/errors.ts';

describe('room on a disk', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-disk-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('is asked for without making anything', async () => {
    const missing = path.join(folder, 'not', 'there');
    assert.ok((await freeBytes(missing)) > 0);
    await assert.rejects(
      demandDisk(missing, Number.MAX_SAFE_INTEGER, 'a build'),
      (error) => hasCode(error, 'component') && error.message.includes(missing),
    );
    assert.ok(!existsSync(path.join(folder, 'not')));
  });

  it('is not that of another place where the folder cannot be made', async () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    await assert.rejects(freeBytes(path.join(file, 'below')), { code: 'ENOTDIR' });
  });
});
