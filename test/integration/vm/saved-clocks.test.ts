/** Clocks as they were, with a real kernel. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import path from 'node:path';
import { local } from '../../../harness/exec/local.ts';
import { inTimeOf, saveClocks } from '../../../harness/providers/vm/saved-clocks.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';

describe('saved clocks', function () {
  let folder: string;

  before(function () {
    if (!isRoot()) skipOrFail(this, 'needs root');
  });
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'coalmine-clocks-'))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** How long the machine has been up, as a program tells that begins now with the clocks in the folder. */
  const upInside = async (): Promise<number> => {
    const argv = [...(await inTimeOf(folder)), 'cat', '/proc/uptime'] as const;
    const { stdout, stderr, exitCode } = await local.run({ argv }, { timeoutMs: 10_000 });
    assert.equal(exitCode, 0, stderr);
    return Number(stdout.split(' ')[0]);
  };
  const file = (): string => path.join(folder, 'clocks.json');

  it('go on and not back', async () => {
    const before = uptime();
    await saveClocks(folder);
    assert.ok((await upInside()) >= before);
  });

  for (const moved of [3_600, -60])
    it(`are those of then, after ${moved} seconds of another machine`, async () => {
      await saveClocks(folder);
      const saved = JSON.parse(readFileSync(file(), 'utf8')) as Record<string, number>;
      const then = Object.entries(saved).map(([name, value]) => [name, value + moved] as const);
      writeFileSync(file(), JSON.stringify(Object.fromEntries(then)));
      const inside = await upInside();
      assert.ok(inside >= (saved['boottime'] ?? NaN) + moved, String(inside));
      // Far from the other machine's time, however slow this one is.
      assert.ok(Math.abs(inside - uptime() - moved) < 30, String(inside));
    });

  it('that nobody saved are an error', async () => {
    await assert.rejects(inTimeOf(folder), /clocks\.json/);
  });
});
