import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { askEngine } from '../../../../harness/providers/kind/engine-user.ts';
import { engineAt } from '../../../../harness/providers/kind/engine.ts';
import { installRefusal } from '../../../../harness/providers/install-packages.ts';
import { dataRootRefusal } from '../../../../harness/providers/kind/engine-preflight.ts';
import { memoryRefusal, parseAvailableBytes } from '../../../../harness/providers/memory.ts';
import { readResidue, removeResidue } from '../../../../harness/providers/kind/engine-residue.ts';

describe('engineAt', () => {
  it('puts the engine into every command, as data', () => {
    const env = { DOCKER_HOST: 'unix:///x.sock' };
    const engine = engineAt('user', 'unix:///x.sock', env, () => Promise.resolve());
    assert.deepEqual(engine.command(['pause', 'w1']), { argv: ['docker', 'pause', 'w1'], env });
    assert.deepEqual(engine.command(['load'], 'text').stdin, 'text');
    assert.notEqual(engine.env(), env);
  });

  it('refuses with a reason where nobody answers, whether or not a CLI is there', async () => {
    const answer = await askEngine({ DOCKER_HOST: 'unix:///nonexistent/docker.sock' });
    assert.ok('refusal' in answer);
    assert.match(answer.refusal, /^unix:\/\/\/nonexistent\/docker\.sock: ./);
  });
});

describe('installRefusal', () => {
  it('allows root on Debian, Ubuntu and what is like them', () => {
    for (const text of ['ID=debian', 'NAME="x"\nID=ubuntu\n', 'ID=pop\nID_LIKE="ubuntu debian"'])
      assert.equal(installRefusal(text, 0), undefined);
  });

  it('says why not', () => {
    assert.match(installRefusal('ID=fedora\nID_LIKE=rhel', 0) ?? '', /fedora/);
    assert.match(installRefusal('ID=debian', 1000) ?? '', /root/);
    assert.match(installRefusal('', 0) ?? '', /unknown/);
    assert.match(installRefusal('VERSION_ID=debian', 0) ?? '', /unknown/);
  });
});

describe('preflight questions', () => {
  it('reads the memory that is available', () => {
    const text = 'MemTotal:  100 kB\nMemFree:  1 kB\nMemAvailable:    64 kB\n';
    assert.equal(parseAvailableBytes(text), 65_536);
    assert.equal(parseAvailableBytes('MemTotal: 1 kB\n'), undefined);
  });

  it('refuses a machine that is too small, with both numbers', async () => {
    assert.equal(await memoryRefusal(1), undefined);
    assert.match((await memoryRefusal(1e15)) ?? '', /1 PB|1000 TB/);
    const folder = await mkdtemp(path.join(tmpdir(), 'preflight-'));
    assert.equal(await dataRootRefusal(folder, 1), undefined);
    assert.match((await dataRootRefusal(folder, 1e15)) ?? '', /docker/);
    await rm(folder, { recursive: true });
  });
});

describe('residue of a killed engine', () => {
  it('is containers, their layers, volumes and networks; images stay', async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'residue-'));
    const file = async (name: string, text = ''): Promise<void> => {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await writeFile(path.join(root, name), text);
    };
    await file('containers/c1/config.v2.json', JSON.stringify({ Name: '/coalmine-r-worker' }));
    await file('containers/c2abcdefabcdefabc/config.v2.json', '{"Name": torn');
    await file('image/overlay2/layerdb/mounts/c1/mount-id', 'layer1');
    await file('image/overlay2/layerdb/mounts/c2abcdefabcdefabc/mount-id', '../../image');
    await file('image/overlay2/repositories.json', '{}');
    await file('overlay2/layer1/link', 'LINK1');
    await file('overlay2/layer1-init/link', 'LINK2');
    for (const link of ['LINK1', 'LINK2', 'LINK3']) await file(`overlay2/l/${link}`);
    await file('overlay2/imagelayer/link', 'LINK3');
    await file('volumes/v1/_data/x');
    await file('volumes/metadata.db');
    await file('network/files/local-kv.db');

    assert.deepEqual(await readResidue(root), [
      'container coalmine-r-worker',
      'container c2abcdefabcd',
      'volume v1',
    ]);
    await removeResidue(root);
    await removeResidue(root);
    assert.deepEqual(await readResidue(root), []);
    assert.deepEqual((await readdir(root)).toSorted(), ['containers', 'image', 'overlay2']);
    assert.deepEqual((await readdir(path.join(root, 'overlay2'))).toSorted(), ['imagelayer', 'l']);
    assert.deepEqual(await readdir(path.join(root, 'overlay2/l')), ['LINK3']);
    assert.deepEqual(await readdir(path.join(root, 'image/overlay2/layerdb/mounts')), []);
    assert.deepEqual(await readResidue(path.join(root, 'nowhere')), []);
    await rm(root, { recursive: true });
  });
});
