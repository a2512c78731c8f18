import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile, mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { hasCode, messageOf } from '../../../harness/core/errors.ts';
import { cacheFolder } from '../../../harness/components/cache-folder.ts';
import type { ComponentRef } from '../../../harness/components/component.ts';
import { createStore } from '../../../harness/components/store.ts';
import { releaseSourceWith } from '../../../harness/components/sources/release.ts';
import { findChecksum } from '../../../harness/components/sources/release-layout.ts';
import { goArch, type SourceContext } from '../../../harness/components/sources/source.ts';
import { local } from '../../../harness/exec/local.ts';
import { runOrThrow } from '../../../harness/exec/run-or-throw.ts';
import {
  serveReleases,
  sha256,
  type Answer,
  type ReleaseServer,
} from '../../support/release-server.ts';

const KUBELET: ComponentRef = { component: 'kubelet', version: '1.34.3' };
const KUBELET_PATH = `/dl.k8s.io/release/v1.34.3/bin/linux/${goArch()}/kubelet`;
const PROGRAM = '#!/bin/true\nkubelet\n'.repeat(1_000);

describe('release source', () => {
  let folder: string;
  let server: ReleaseServer | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'coalmine-test-'));
  });
  afterEach(async () => {
    server?.close();
    await rm(folder, { recursive: true });
  });

  async function fetchFrom(files: Record<string, Answer>, ref = KUBELET): Promise<string> {
    server = await serveReleases(files);
    const source = releaseSourceWith({ connectMs: 3_000, headMs: 300, stallMs: 300 });
    const file = path.join(folder, ref.component);
    await source.fetch(ref, file, contextFor({ COALMINE_RELEASE_MIRROR: server.url }));
    return await readFile(file, 'utf8');
  }

  function contextFor(env: Record<string, string>): SourceContext {
    return {
      cache: cacheFolder(folder),
      env,
      measuredSeconds: () => undefined,
      say: () => undefined,
      signal: new AbortController().signal,
    };
  }

  async function refusal(files: Record<string, Answer>): Promise<string> {
    return await fetchFrom(files).then(
      () => assert.fail('it was taken'),
      (error: unknown) => {
        assert.ok(hasCode(error, 'component'), messageOf(error));
        return error.message;
      },
    );
  }

  it('takes a file whose checksum is right', async () => {
    const files = { [KUBELET_PATH]: PROGRAM, [`${KUBELET_PATH}.sha256`]: sha256(PROGRAM) };
    assert.equal(await fetchFrom(files), PROGRAM);
  });

  it('refuses a wrong checksum, and names both', async () => {
    const message = await refusal({
      [KUBELET_PATH]: PROGRAM,
      [`${KUBELET_PATH}.sha256`]: sha256('another'),
    });
    assert.match(message, new RegExp(`${sha256(PROGRAM)} instead of ${sha256('another')}`));
  });

  it('refuses a truncated file, and says how much came', async () => {
    const message = await refusal({
      [KUBELET_PATH]: (response) => {
        response.writeHead(200, { 'content-length': PROGRAM.length });
        response.write(PROGRAM.slice(0, 5_000), () => response.destroy());
      },
      [`${KUBELET_PATH}.sha256`]: sha256(PROGRAM),
    });
    assert.match(message, /cut short after \d+ of 20000 bytes/);
  });

  it('says HTTP 404 for what is not there', async () => {
    assert.match(await refusal({}), /HTTP 404/);
  });

  it('gives up on a server that does not answer', async () => {
    const message = await refusal({ [`${KUBELET_PATH}.sha256`]: () => undefined });
    assert.match(message, /no answer within 300ms/);
  });

  it('gives up on a server that stops in the middle', async () => {
    const message = await refusal({
      [KUBELET_PATH]: (response) => {
        response.writeHead(200, { 'content-length': PROGRAM.length });
        response.write(PROGRAM.slice(0, 5_000));
      },
      [`${KUBELET_PATH}.sha256`]: sha256(PROGRAM),
    });
    assert.match(message, /nothing more came after 5 kB within 300ms/);
  });

  it('takes the program out of an archive', async () => {
    const name = `k6-v1.8.1-linux-${goArch()}`;
    await mkdir(path.join(folder, name));
    await writeFile(path.join(folder, name, 'k6'), 'k6 program');
    await runOrThrow(
      local,
      { argv: ['tar', '-czf', path.join(folder, 'k6.tgz'), '-C', folder, name] },
      { timeoutMs: 20_000 },
    );
    const archive = await readFile(path.join(folder, 'k6.tgz'));
    const place = '/github.com/grafana/k6/releases/download/v1.8.1';
    const files = {
      [`${place}/${name}.tar.gz`]: archive,
      [`${place}/k6-v1.8.1-checksums.txt`]: `${sha256('x')}  other.zip\n${sha256(archive)}  ${name}.tar.gz\n`,
    };
    const text = await fetchFrom(files, { component: 'k6', version: '1.8.1' });
    assert.equal(text, 'k6 program');
  });

  it('asks an unreachable host once in a process, for all components', async () => {
    const closed = await serveReleases({});
    closed.close();
    const context = contextFor({ COALMINE_RELEASE_MIRROR: closed.url });
    const source = releaseSourceWith({ connectMs: 3_000, headMs: 300, stallMs: 300 });
    const ask = (ref: ComponentRef): Promise<string> =>
      source.fetch(ref, path.join(folder, 'x'), context).then(() => 'taken', messageOf);
    assert.match(await ask(KUBELET), /cannot be reached \(.*ECONNREFUSED/);
    // Now somebody would answer there, and must not be asked.
    server = await serveReleases({}, Number(new URL(closed.url).port));
    assert.match(await ask({ component: 'kind', version: '0.33.0' }), /cannot be reached/);
    assert.equal(server.connections(), 0);
  });

  it('gives the store an executable with its origin in the manifest', async () => {
    server = await serveReleases({
      [KUBELET_PATH]: PROGRAM,
      [`${KUBELET_PATH}.sha256`]: sha256(PROGRAM),
    });
    const store = createStore({
      cacheDir: folder,
      sources: ['cache', 'release'],
      env: { COALMINE_RELEASE_MIRROR: server.url },
    });
    const context = { say: () => undefined, signal: new AbortController().signal };
    const artifact = await store.ensure(KUBELET, context);
    assert.equal(artifact.digest, sha256(PROGRAM));
    assert.equal((await stat(artifact.path)).mode & 0o777, 0o755);
    const [stored] = await store.list();
    assert.equal(stored?.manifest.source, 'release');
    assert.equal(stored.manifest.origin, `${server.url}${KUBELET_PATH}`);
    const before = server.asked.length;
    await store.ensure(KUBELET, context);
    assert.equal(server.asked.length, before);
  });
});

describe('checksum files', () => {
  const hash = sha256('x');
  it('are a bare hash, or lines with names', () => {
    assert.equal(findChecksum(`${hash}\n`, 'kubelet'), hash);
    assert.equal(findChecksum(`${sha256('y')}  a\n${hash} *b\n`, 'b'), hash);
    assert.equal(findChecksum(`${hash}  ./kind-linux-amd64\n`, 'kind-linux-amd64'), hash);
  });

  it('give nothing where the file is not named', () => {
    assert.equal(findChecksum(`${hash}  other\n`, 'kubelet'), undefined);
    assert.equal(findChecksum('<html>not found</html>', 'kubelet'), undefined);
  });
});
