import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createStore } from '../../../harness/components/store.ts';
import { findRootDisk } from '../../../harness/run/doctor-root-disk.ts';

describe('the root disk that doctor asks for', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const find = (isRoot: boolean, search = path.join(folder, 'bin')) =>
    findRootDisk(path.join(folder, 'cache'), { isRoot, search });

  async function keep(name: string, version: string): Promise<void> {
    await createStore({ cacheDir: path.join(folder, 'cache') }).produce(
      {
        ...{ name, version, inputs: [], needBytes: 1, aboutSeconds: 1 },
        make: (file) => writeFile(file, 'a disk'),
      },
      { say: () => undefined, signal: new AbortController().signal },
    );
  }

  it('serves everybody once it is there', async () => {
    await keep('vm-root', '1.34.3');
    assert.equal(await find(false), 'in the cache, with Kubernetes 1.34.3');
    assert.equal(await find(true), 'in the cache, with Kubernetes 1.34.3');
  });

  it('can be made by root alone', async () => {
    await keep('rootfs-node', 'bookworm');
    await assert.rejects(find(false), /only root can make the root disk of machines/);
    assert.match(await find(true), /the first run makes it/);
  });

  it('can be made only from a Debian, which is there or is made by mmdebstrap', async () => {
    await assert.rejects(find(true), /mmdebstrap is not installed/);
    mkdirSync(path.join(folder, 'bin'));
    writeFileSync(path.join(folder, 'bin/mmdebstrap'), '', { mode: 0o755 });
    assert.match(await find(true), /the first run makes it/);
  });
});
