import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256OfFile } from '../../../../harness/components/digest.ts';
import { layerProduction, type LayerEntry } from '../../../../harness/components/image/layer.ts';
import {
  imageConfig,
  imageDigest,
  writeArchive,
} from '../../../../harness/components/image/archive.ts';
import { local } from '../../../../harness/exec/local.ts';
import { runOrThrow } from '../../../../harness/exec/run-or-throw.ts';

const context = { say: () => undefined, signal: new AbortController().signal };

describe('image layers', () => {
  let folder = '';
  const file = (name: string): string => path.join(folder, name);

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'coalmine-test-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function pack(name: string, entries: readonly LayerEntry[]): Promise<string> {
    await layerProduction('test', '1', entries, 1).make(file(name), context);
    return sha256OfFile(file(name));
  }

  it('are the same bytes for the same entries, whenever they are made and in whichever order', async () => {
    const entries: LayerEntry[] = [
      { to: '/etc/a.conf', mode: 0o644, text: 'a' },
      { to: '/usr/bin/b', mode: 0o755, text: 'b' },
      { to: '/etc/link', link: '/dev/null' },
    ];
    const first = await pack('one.tar', entries);
    assert.equal(await pack('two.tar', [...entries].reverse()), first);
    assert.notEqual(await pack('three.tar', entries.slice(1)), first);
  });

  it('belong to root, have their modes, and hide what an emptied folder had', async () => {
    const artifact = { name: 'tool', version: '1', path: file('tool'), digest: 'd' };
    await writeFile(artifact.path, 'tool', { mode: 0o600 });
    await pack('layer.tar', [
      { to: '/usr/bin/tool', mode: 0o755, artifact },
      { to: '/etc/wants', emptied: true },
    ]);
    const argv = ['tar', '--list', '--verbose', '--numeric-owner', '--file', file('layer.tar')];
    const listed = await runOrThrow(
      local,
      { argv: argv as [string, ...string[]] },
      { timeoutMs: 10_000 },
    );
    assert.match(listed, /^-rwxr-xr-x 0\/0 .* \.\/usr\/bin\/tool$/m);
    assert.match(listed, /^drwxr-xr-x 0\/0 .* \.\/etc\/wants\/$/m);
    assert.match(listed, /\.\/etc\/wants\/\.wh\.\.wh\.\.opq$/m);
  });

  it('are keyed by content, mode and place', () => {
    const inputs = (entry: LayerEntry): string =>
      layerProduction('test', '1', [entry], 1).inputs.join();
    const all = [
      inputs({ to: '/a', mode: 0o644, text: 'x' }),
      inputs({ to: '/a', mode: 0o755, text: 'x' }),
      inputs({ to: '/b', mode: 0o644, text: 'x' }),
      inputs({ to: '/a', mode: 0o644, text: 'y' }),
      inputs({ to: '/a', link: 'x' }),
      inputs({ to: '/a', emptied: true }),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  it('are in an archive once, however many images share them', async () => {
    const digest = await pack('base.tar', [{ to: '/a', mode: 0o644, text: 'a' }]);
    const base = { name: 'base', version: '1', path: file('base.tar'), digest };
    const images = [
      { names: ['x:1', 'x:2'], layers: [base], entrypoint: ['/a'] },
      { names: ['y:1'], layers: [base] },
    ];
    await writeArchive(images, file('images.tar'), context.signal);
    const unpack = [
      'tar',
      '--extract',
      '--file',
      file('images.tar'),
      '--directory',
      folder,
    ] as const;
    await runOrThrow(local, { argv: [...unpack] }, { timeoutMs: 10_000 });
    const manifest = JSON.parse(await readFile(file('manifest.json'), 'utf8')) as unknown[];
    assert.deepEqual(manifest[0], {
      Config: `${imageDigest(images[0]!)}.json`,
      RepoTags: ['x:1', 'x:2'],
      Layers: [`${digest}.tar`],
    });
    assert.equal(
      await readFile(file(`${imageDigest(images[1]!)}.json`), 'utf8'),
      imageConfig(images[1]!),
    );
    assert.equal(await sha256OfFile(file(`${digest}.tar`)), digest);
    await assert.rejects(readFile(file('images.tar.parts/manifest.json')));
  });

  it('are not touched by being put into an archive: another run may be reading them', async () => {
    const digest = await pack('base.tar', [{ to: '/a', mode: 0o644, text: 'a' }]);
    const base = { name: 'base', version: '1', path: file('base.tar'), digest };
    const before = await stat(base.path, { bigint: true });
    await writeArchive([{ names: ['x:1'], layers: [base] }], file('images.tar'), context.signal);
    assert.equal((await stat(base.path, { bigint: true })).ctimeNs, before.ctimeNs);
  });

  it('make an image’s identity, and its names do not', () => {
    const layer = { name: 'l', version: '1', path: '', digest: 'aa' };
    const digest = imageDigest({ names: ['a'], layers: [layer] });
    assert.equal(imageDigest({ names: ['b'], layers: [layer] }), digest);
    assert.notEqual(imageDigest({ names: ['a'], layers: [layer, layer] }), digest);
    assert.notEqual(imageDigest({ names: ['a'], layers: [layer], entrypoint: ['/x'] }), digest);
  });
});
