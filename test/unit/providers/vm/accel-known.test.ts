import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasCode } from '../../../../harness/core/errors.ts';
import { demandQemu, type Accel } from '../../../../harness/providers/vm/accel.ts';
import { findAccelOnce } from '../../../../harness/providers/vm/accel-known.ts';
import { skipOrFail } from '../../../support/real.ts';

describe('vm/accel-known', () => {
  let folder: string;
  let tried: number;
  const once = (answer: Accel, kernel = '/cache/vmlinuz'): Promise<Accel> =>
    findAccelOnce({
      ...{ kernel, file: path.join(folder, 'refused'), device: path.join(folder, 'kvm') },
      find: () => {
        tried += 1;
        return Promise.resolve(answer);
      },
    });
  const refused: Accel = {
    ...{ kind: 'tcg', died: true },
    reason: 'its run state became internal-error',
  };

  before(async function () {
    await demandQemu().catch((error: unknown) => {
      if (hasCode(error, 'preflight')) skipOrFail(this, error.message);
      throw error;
    });
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-accel-'));
    writeFileSync(path.join(folder, 'kvm'), '');
    tried = 0;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('tries once what fails, and says when that was', async () => {
    assert.deepEqual(await once(refused), refused);
    const again = await once(refused);
    assert.equal(tried, 1);
    assert.match(again.reason, /^its run state became internal-error, as was found at 20\d\d-/);
  });

  it('tries each time what works', async () => {
    const works: Accel = { kind: 'kvm', reason: 'a kernel ran on it' };
    assert.deepEqual(await once(works), works);
    assert.deepEqual(await once(works), works);
    assert.equal(tried, 2);
  });

  it('tries each time what another user could open, or another moment', async () => {
    const closed: Accel = { kind: 'tcg', reason: '/dev/kvm cannot be opened' };
    assert.deepEqual(await once(closed), closed);
    assert.deepEqual(await once(closed), closed);
    assert.equal(tried, 2);
  });

  it('tries again on another kernel, a device that was made anew, and after another boot', async () => {
    await once(refused);
    await once(refused, '/cache/another');
    assert.equal(tried, 2);
    rmSync(path.join(folder, 'kvm'));
    writeFileSync(path.join(folder, 'kvm'), '');
    await once(refused, '/cache/another');
    assert.equal(tried, 3);
    const file = path.join(folder, 'refused');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"under":"[0-9a-f-]{36}/, '"under":"'));
    await once(refused, '/cache/another');
    assert.equal(tried, 4);
  });
});
