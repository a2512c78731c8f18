import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasCode } from '../../../harness/core/errors.ts';
import { demandReportsFolder, makeFolders } from '../../../harness/record/reports-folder.ts';

describe('reports folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-record-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('is asked without being made', () => {
    demandReportsFolder(path.join(folder, 'a', 'b'));
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is refused below a file', () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    assert.throws(
      () => {
        demandReportsFolder(path.join(file, 'below'));
      },
      (error: unknown) => hasCode(error, 'preflight') && error.wayOut !== undefined,
    );
  });

  it('is made with its parents, twice without complaint', () => {
    const deep = path.join(folder, 'a', 'b', 'c');
    makeFolders(deep);
    makeFolders(deep);
    assert.ok(existsSync(deep));
  });

  it('ends where the kernel lets nothing be made', () => {
    // Node’s own `recursive` goes on for ever here.
    const code = process.platform === 'linux' ? 'ENOENT' : undefined;
    assert.throws(
      () => {
        makeFolders('/proc/self/none/below');
      },
      code === undefined ? Error : { code },
    );
  });
});
