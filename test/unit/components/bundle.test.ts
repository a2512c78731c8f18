import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bundleProgram, k6ScriptsFolder } from '../../../harness/components/bundle.ts';
import { cacheFolder, defaultCacheDir } from '../../../harness/components/cache-folder.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { local } from '../../../harness/exec/local.ts';

describe('bundled programs', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'coalmine-test-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are one file named by its content, which Node.js runs without any dependency', async () => {
    const program = await bundleProgram('generator', cacheFolder(folder));
    assert.ok(program.path.includes(program.digest.slice(0, 16)));
    assert.deepEqual(await bundleProgram('generator', cacheFolder(folder)), program);
    const ran = await local.run({ argv: [process.execPath, program.path] }, { timeoutMs: 20_000 });
    assert.equal(ran.exitCode, 2);
    assert.match(ran.stderr, /dns-pairs/);
  });

  it('come with the k6 scripts', async () => {
    assert.match(await readFile(path.join(k6ScriptsFolder(), 'keep-alive.ts'), 'utf8'), /export/);
  });
});

describe('cache folder', () => {
  it('follows XDG, and ignores a relative one as XDG says', () => {
    assert.equal(defaultCacheDir({ XDG_CACHE_HOME: '/x', HOME: '/h' }), '/x/coalmine');
    assert.equal(defaultCacheDir({ XDG_CACHE_HOME: 'x', HOME: '/h' }), '/h/.cache/coalmine');
    assert.throws(
      () => defaultCacheDir({}),
      (error) => hasCode(error, 'component'),
    );
  });
});
