import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Production, StoreContext } from '../../../harness/components/component.ts';
import { ensureAll } from '../../../harness/components/ensure-all.ts';
import { createStore } from '../../../harness/components/store.ts';
import { waitFor } from '../../../harness/core/deadline.ts';
import { CoalmineError, hasCode } from '../../../harness/core/errors.ts';
import { startLocal } from '../../../harness/exec/local.ts';
import { serveReleases, sha256 } from '../../support/release-server.ts';

const context: StoreContext = { say: () => undefined, signal: new AbortController().signal };

function production(made: string[], more: Partial<Production> = {}): Production {
  return {
    name: 'thing',
    version: '1',
    inputs: ['a'],
    needBytes: 1,
    aboutSeconds: 1,
    make: async (target) => {
      made.push(target);
      await writeFile(target, 'content');
    },
    ...more,
  };
}

describe('component store', () => {
  let cacheDir: string;
  beforeEach(async () => {
    cacheDir = await mkdtemp(path.join(os.tmpdir(), 'coalmine-test-'));
  });
  afterEach(() => rm(cacheDir, { recursive: true }));

  it('makes a thing once, and anew when what decides it changes', async () => {
    const made: string[] = [];
    const store = createStore({ cacheDir });
    const first = await store.produce(production(made), context);
    assert.deepEqual(await store.produce(production(made), context), first);
    assert.equal(made.length, 1);
    const other = await store.produce(production(made, { inputs: ['b'] }), context);
    assert.notEqual(other.path, first.path);
    assert.equal(await readFile(first.path, 'utf8'), 'content');
  });

  it('keeps folders, with the digest of their inputs', async () => {
    const store = createStore({ cacheDir });
    const make = async (target: string): Promise<void> => {
      await mkdir(target);
      await writeFile(path.join(target, 'x'), '1');
    };
    const artifact = await store.produce(production([], { make }), context);
    assert.equal(await readFile(path.join(artifact.path, 'x'), 'utf8'), '1');
    assert.match(artifact.digest, /^[0-9a-f]{64}$/);
  });

  it('leaves nothing of a maker that fails', async () => {
    const store = createStore({ cacheDir });
    const make = async (target: string): Promise<void> => {
      await writeFile(target, 'half');
      throw new CoalmineError('component', 'broke');
    };
    await assert.rejects(store.produce(production([], { make }), context), /broke/);
    assert.deepEqual(await readdir(path.join(cacheDir, 'partial')), []);
    assert.deepEqual(await store.list(), []);
  });

  it('makes a damaged artifact anew', async () => {
    const made: string[] = [];
    const store = createStore({ cacheDir });
    const { path: file } = await store.produce(production(made), context);
    await truncate(file, 3);
    await store.produce(production(made), context);
    assert.equal(await readFile(file, 'utf8'), 'content');
    await writeFile(path.join(path.dirname(file), 'manifest.json'), '{"format":1');
    await store.produce(production(made), context);
    assert.equal(made.length, 3);
  });

  it('finds by sha256 what a look at the size cannot see', async () => {
    const store = createStore({ cacheDir });
    const artifact = await store.produce(production([]), context);
    assert.deepEqual(await store.verify(), []);
    await writeFile(artifact.path, 'CONTENT');
    const [problem] = await store.verify();
    assert.equal(problem?.artifact.name, 'thing');
    assert.match(problem.problem, /sha256/);
    await store.remove(artifact);
    assert.deepEqual(await store.list(), []);
  });

  it('asks for disk before it begins: need, have, path and the way out', async () => {
    const made: string[] = [];
    const store = createStore({ cacheDir });
    const huge = production(made, { needBytes: 9e18 });
    await assert.rejects(store.produce(huge, context), (error) => {
      assert.ok(hasCode(error, 'component'));
      assert.match(error.message, /needs about 9000000 TB free in .*, and there are .*B$/);
      assert.ok(error.message.includes(cacheDir));
      assert.match(error.wayOut ?? '', /XDG_CACHE_HOME/);
      return true;
    });
    assert.deepEqual(made, []);
  });

  it('makes nothing offline, and gives what is there', async () => {
    const offline = createStore({ cacheDir, offline: true });
    const made: string[] = [];
    await assert.rejects(offline.produce(production(made), context), /not in the cache/);
    const artifact = await createStore({ cacheDir }).produce(production(made), context);
    assert.deepEqual(await offline.produce(production(made), context), artifact);
    await assert.rejects(
      offline.ensure({ component: 'kubelet', version: '1.34.3' }, context),
      /kubelet 1\.34\.3 cannot be had: cache: not in .*; all others: switched off by --offline$/,
    );
  });

  it('takes the Node.js it runs on, even offline', async () => {
    const store = createStore({ cacheDir, offline: true });
    const version = process.versions.node;
    const artifact = await store.ensure({ component: 'node', version }, context);
    const [stored] = await store.list();
    assert.equal(stored?.manifest.source, 'process');
    assert.equal(stored.manifest.origin, process.execPath);
    assert.equal(artifact.version, version);
  });

  it('says what each source said when none can', async () => {
    const server = await serveReleases({});
    const env = { ...process.env, COALMINE_RELEASE_MIRROR: server.url };
    const store = createStore({ cacheDir, env, sources: ['cache', 'release', 'debian'] });
    try {
      await assert.rejects(
        store.ensure({ component: 'kubelet', version: '1.34.3' }, context),
        (error) => {
          assert.ok(hasCode(error, 'component'));
          assert.match(
            error.message,
            /^kubelet 1\.34\.3 cannot be had: cache: not in .*; module: switched off; release: HTTP 404 for .*kubelet\.sha256; debian: not packaged$/,
          );
          return true;
        },
      );
    } finally {
      server.close();
    }
  });

  it('counts what is missing, and asks nobody for what is there', async () => {
    const node = { component: 'node', version: process.versions.node } as const;
    const kubelet = { component: 'kubelet', version: '1.34.3' } as const;
    const store = createStore({ cacheDir, offline: true });
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const first = await ensureAll(store, [node], { ...context, say });
    assert.match(lines.join('\n'), /^1 of 1 components are not in the cache: node /);
    lines.length = 0;
    assert.deepEqual(await ensureAll(store, [node, node], { ...context, say }), [
      ...first,
      ...first,
    ]);
    assert.deepEqual(lines, []);
    await assert.rejects(
      ensureAll(store, [node, kubelet], { ...context, say }),
      /kubelet 1\.34\.3/,
    );
    assert.match(lines.join('\n'), /^1 of 2 .*kubelet 1\.34\.3\. Built here they take about 3m30s/);
  });

  it('asks for every version before it fetches any', async () => {
    const folder = `/dl.k8s.io/release/v1.34.3/bin/linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
    const server = await serveReleases({
      [`${folder}/kubelet`]: 'program',
      [`${folder}/kubelet.sha256`]: sha256('program'),
    });
    const env = { ...process.env, COALMINE_RELEASE_MIRROR: server.url };
    const store = createStore({ cacheDir, env, sources: ['cache', 'release'] });
    const kubelet = { component: 'kubelet', version: '1.34.3' } as const;
    const none = { component: 'kube-proxy', version: '1.34.99' } as const;
    try {
      await assert.rejects(
        ensureAll(store, [kubelet, none], context),
        /kube-proxy 1\.34\.99 cannot/,
      );
      assert.deepEqual(await store.list(), []);
      assert.equal((await ensureAll(store, [kubelet], context)).length, 1);
    } finally {
      server.close();
    }
  });

  it('frees what Go compiled, and keeps sources and binaries', async () => {
    const store = createStore({ cacheDir });
    const artifact = await store.produce(production([]), context);
    for (const name of ['build', 'mod', 'wrappers'])
      await mkdir(path.join(store.cache.go, name, 'x'), { recursive: true });
    await store.pruneBuildCache(context);
    assert.deepEqual(await readdir(store.cache.go), ['mod']);
    assert.deepEqual(await store.produce(production([]), context), artifact);
  });

  it('stops at once when it is told to', async () => {
    const stop = new AbortController();
    const make = (): Promise<void> => {
      stop.abort(new Error('enough'));
      return Promise.resolve();
    };
    const store = createStore({ cacheDir });
    await assert.rejects(
      store.produce(production([], { make }), { ...context, signal: stop.signal }),
      /enough/,
    );
  });
});

describe('component store across processes', () => {
  let folder: string;
  const started: number[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'coalmine-test-'));
  });
  afterEach(async () => {
    for (const pid of started.splice(0)) killIfAlive(pid);
    await rm(folder, { recursive: true });
  });

  function killIfAlive(pid: number): void {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }

  function startMaker() {
    const script = path.join(import.meta.dirname, '../../support/slow-maker.ts');
    const argv = [process.execPath, '--import', 'tsx', script, folder, gate()] as const;
    const child = startLocal({ argv });
    started.push(child.pid);
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    child.stderr.on('data', (chunk: Buffer) => lines.push(String(chunk)));
    const said = (part: string): Promise<string> =>
      waitFor({ what: `"${part}" among ${lines.join('|')}`, timeoutMs: 15_000, everyMs: 20 }, () =>
        Promise.resolve(lines.find((line) => line.includes(part))),
      );
    return { ...child, said };
  }

  const gate = (): string => path.join(folder, 'gate');
  const timesMade = async (): Promise<number> =>
    (await readFile(`${gate()}.made`, 'utf8').catch(() => '')).split('once').length - 1;
  const untilMade = (times: number): Promise<true> =>
    waitFor({ what: `maker ${times} at work`, timeoutMs: 15_000, everyMs: 20 }, async () =>
      (await timesMade()) === times ? true : undefined,
    );

  it('makes one thing for two who want it, and the second says who it waits for', async () => {
    const first = startMaker();
    await untilMade(1);
    const second = startMaker();
    assert.match(await second.said('waiting for'), new RegExp(`process ${first.pid} `));
    await writeFile(gate(), '');
    assert.equal(await first.said('done'), await second.said('done'));
    assert.equal(await timesMade(), 1);
  });

  it('goes on after a maker was killed, without what it had begun', async () => {
    const first = startMaker();
    await untilMade(1);
    const second = startMaker();
    await second.said('waiting for');
    process.kill(first.pid, 'SIGKILL');
    await untilMade(2);
    await writeFile(gate(), '');
    await second.said('done');
    assert.deepEqual(await readdir(path.join(folder, 'partial')), []);
  });
});
