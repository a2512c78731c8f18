import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { cacheFolder } from '../../../harness/components/cache-folder.ts';
import { debianSourceWith } from '../../../harness/components/sources/debian.ts';
import { goArch, type SourceContext } from '../../../harness/components/sources/source.ts';
import { local } from '../../../harness/exec/local.ts';
import { runOrThrow } from '../../../harness/exec/run-or-throw.ts';
import { skipOrFail } from '../../support/real.ts';

/** Real apt and dpkg-deb on a repository of one package that the test makes. */
describe('debian source', function () {
  this.timeout(120_000);
  let folder: string;
  let context: SourceContext;
  const run = (...argv: [string, ...string[]]): Promise<string> =>
    runOrThrow(local, { argv }, { timeoutMs: 60_000 });

  before(async function () {
    await run('dpkg-deb', '--version').catch(() => skipOrFail(this, 'there is no dpkg-deb'));
    await run('apt-get', '--version').catch(() => skipOrFail(this, 'there is no apt-get'));
    folder = await mkdtemp(path.join(os.tmpdir(), 'coalmine-test-'));
    await makeRepository(path.join(folder, 'repository'));
    context = {
      cache: cacheFolder(path.join(folder, 'cache')),
      env: {},
      measuredSeconds: () => undefined,
      say: () => undefined,
      signal: new AbortController().signal,
    };
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function makeRepository(repository: string): Promise<void> {
    const tree = path.join(folder, 'tree');
    await mkdir(path.join(tree, 'DEBIAN'), { recursive: true });
    await mkdir(path.join(tree, 'usr/bin'), { recursive: true });
    await mkdir(repository);
    const control = `Package: kind\nVersion: 0.33.0-1\nArchitecture: ${goArch()}\nMaintainer: a test <a@test.example>\nDescription: a test\n`;
    await writeFile(path.join(tree, 'DEBIAN/control'), control);
    await writeFile(path.join(tree, 'usr/bin/kind'), 'kind of a test');
    const archive = path.join(repository, 'kind.deb');
    await run('dpkg-deb', '--build', '--root-owner-group', tree, archive);
    const { size } = await stat(archive);
    const sum = (await run('sha256sum', archive)).split(' ')[0] ?? '';
    const entry = `${control}Filename: ./kind.deb\nSize: ${size}\nSHA256: ${sum}\n`;
    await writeFile(path.join(repository, 'Packages'), entry);
  }

  const source = () =>
    debianSourceWith(() =>
      Promise.resolve([`deb [trusted=yes] file:${path.join(folder, 'repository')} ./`]),
    );

  it('takes the program out of the package of that upstream version', async () => {
    const file = path.join(folder, 'kind');
    const provenance = await source().fetch(
      { component: 'kind', version: '0.33.0' },
      file,
      context,
    );
    assert.equal(await readFile(file, 'utf8'), 'kind of a test');
    assert.equal(provenance.origin, 'Debian package kind 0.33.0-1');
  });

  it('names the versions that there are instead', async () => {
    await assert.rejects(
      source().fetch({ component: 'kind', version: '0.99.0' }, path.join(folder, 'x'), context),
      /package kind is there as 0\.33\.0-1 only/,
    );
    await assert.rejects(
      source().fetch({ component: 'etcd', version: '3.6.6' }, path.join(folder, 'x'), context),
      /no package etcd-server/,
    );
  });

  it('knows which components are not packaged at all', async () => {
    await assert.rejects(
      source().fetch({ component: 'kubelet', version: '1.34.3' }, path.join(folder, 'x'), context),
      /^CoalmineError: not packaged$/,
    );
  });
});
