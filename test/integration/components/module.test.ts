import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { cacheFolder, defaultCacheDir } from '../../../harness/components/cache-folder.ts';
import type { StoreContext } from '../../../harness/components/component.ts';
import { createStore, type Store } from '../../../harness/components/store.ts';
import { findGo } from '../../../harness/components/sources/go.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { local } from '../../../harness/exec/local.ts';
import { runOrThrow } from '../../../harness/exec/run-or-throw.ts';
import { skipOrFail } from '../../support/real.ts';

const KIND = { component: 'kind', version: '0.33.0' } as const;

/** An empty store on the Go caches that are there: the build is real, and what was compiled before is not compiled again. */
describe('module source', function () {
  this.timeout(600_000);
  let folder: string;
  let store: Store;
  const lines: string[] = [];
  const context: StoreContext = {
    say: (line) => lines.push(line),
    signal: new AbortController().signal,
  };
  before(async function () {
    const own = cacheFolder(defaultCacheDir(process.env));
    await findGo(own, context.signal).catch(() => skipOrFail(this, 'there is no Go toolchain'));
    folder = await mkdtemp(path.join(os.tmpdir(), 'coalmine-test-'));
    await mkdir(own.go, { recursive: true });
    await symlink(own.go, cacheFolder(folder).go);
    store = createStore({ cacheDir: folder, sources: ['cache', 'module'] });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('builds a program that runs, and says from what', async () => {
    const artifact = await store.ensure(KIND, context);
    const version = await runOrThrow(
      local,
      { argv: [artifact.path, 'version'] },
      { timeoutMs: 20_000 },
    );
    assert.match(version, /^kind v0\.33\.0 /);
    const [stored] = await store.list();
    assert.equal(stored?.manifest.origin, 'sigs.k8s.io/kind@v0.33.0');
    assert.match(stored.manifest.toolchain, /^go1\./);
    assert.match(lines.join('\n'), /kind 0\.33\.0: building from its Go module, about/);
    assert.deepEqual(await readdir(store.cache.partial), []);
  });

  it('refuses a version that nobody serves, and names those that are', async () => {
    await assert.rejects(
      store.ensure({ component: 'kube-proxy', version: '1.34.99' }, context),
      (error) => {
        assert.ok(hasCode(error, 'component'));
        assert.match(error.message, /module: k8s\.io\/kubernetes@v1\.34\.99/);
        assert.match(error.wayOut ?? '', /v1\.34\.3/);
        return true;
      },
    );
  });

  it('stops a build when it is told to, and leaves nothing', async () => {
    const stop = new AbortController();
    const say = (line: string): void => {
      if (line.includes('building from its Go module')) stop.abort(new Error('enough'));
    };
    await assert.rejects(
      store.ensure({ component: 'kind', version: '0.32.0' }, { say, signal: stop.signal }),
      /enough/,
    );
    assert.deepEqual(await readdir(store.cache.partial), []);
  });
});
