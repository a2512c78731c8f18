import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  holdSnapshot,
  makeSnapshot,
  removeSnapshot,
  type HeldSnapshot,
} from '../../../../harness/providers/vm/snapshot-store.ts';

const { signal } = new AbortController();
const BOUNDS = { count: 3, bytes: 1_000_000 };
const HOLD = { signal, ageMaxDays: 180 };

describe('vm/snapshot-store', () => {
  let root: string;
  let holds: HeldSnapshot[] = [];
  const cache = () => ({
    snapshots: path.join(root, 'snapshots'),
    partial: path.join(root, 'partial'),
    locks: path.join(root, 'locks'),
  });
  const make = (key: string, { sizeBytes = 2_000, bounds = BOUNDS } = {}): Promise<boolean> =>
    makeSnapshot(cache(), { key, inputs: [key], accel: 'tcg' }, { signal, bounds }, (folder) => {
      writeFileSync(path.join(folder, 'memory'), Buffer.alloc(sizeBytes, key));
      return Promise.resolve();
    });
  async function hold(key: string): Promise<HeldSnapshot> {
    const held = await holdSnapshot(cache(), key, HOLD);
    if (typeof held !== 'object') throw new Error(held ?? 'there is none');
    holds.push(held);
    return held;
  }
  const memoryOf = (key: string): string => path.join(cache().snapshots, key, 'memory');
  const kept = (): string[] => readdirSync(cache().snapshots).sort();
  /** As if it had been used so many seconds ago. */
  const age = (key: string, seconds: number): void => {
    const then = Date.now() / 1_000 - seconds;
    utimesSync(path.join(cache().snapshots, key, 'manifest.json'), then, then);
  };

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'coalmine-snapshots-'));
  });
  afterEach(async () => {
    // Who holds one keeps this process alive.
    for (const held of holds) await held.release();
    holds = [];
    rmSync(root, { recursive: true, force: true });
  });

  it('gives back what was made, whole', async () => {
    assert.equal(await holdSnapshot(cache(), 'a', HOLD), undefined);
    assert.equal(await make('a'), true);
    const held = await hold('a');
    assert.equal(readFileSync(path.join(held.folder, 'memory')).length, 2_000);
    assert.equal(held.accel, 'tcg');
    assert.equal(await held.damage(), undefined);
    await held.release();
    assert.deepEqual(readdirSync(cache().partial), []);
  });

  it('sees at once that a file was cut or is gone', async () => {
    await make('a');
    truncateSync(memoryOf('a'), 1_000);
    const cut = await holdSnapshot(cache(), 'a', HOLD);
    assert.equal(cut, 'memory has 1000 bytes instead of 2000');
    rmSync(memoryOf('a'));
    assert.equal(await holdSnapshot(cache(), 'a', HOLD), 'memory is gone');
    rmSync(path.join(cache().snapshots, 'a', 'manifest.json'));
    assert.equal(await holdSnapshot(cache(), 'a', HOLD), 'it has no manifest');
    // A damaged one is held by nobody: it can be made anew.
    assert.equal(await make('a'), true);
    await (await hold('a')).release();
  });

  it('does not go on from one whose certificates will end soon', async () => {
    await make('a');
    const file = path.join(cache().snapshots, 'a', 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const days = (count: number): string => new Date(Date.now() - count * 86_400_000).toISOString();
    writeFileSync(file, JSON.stringify({ ...manifest, madeAt: days(179) }));
    await (await hold('a')).release();
    writeFileSync(file, JSON.stringify({ ...manifest, madeAt: days(181) }));
    const old = await holdSnapshot(cache(), 'a', HOLD);
    assert.match(typeof old === 'string' ? old : '', /^it was made on .*, over 180 days ago$/);
  });

  it('sees a changed byte when it reads all of it', async () => {
    await make('a');
    const bytes = readFileSync(memoryOf('a'));
    bytes.writeUInt8(bytes.readUInt8(1_500) ^ 1, 1_500);
    writeFileSync(memoryOf('a'), bytes);
    const held = await hold('a');
    assert.match((await held.damage()) ?? '', /^memory has the sha256 [0-9a-f]{64} instead of/);
    await held.release();
  });

  it('keeps so many, and lets those go first that were used longest ago', async () => {
    for (const key of ['a', 'b', 'c']) await make(key);
    age('a', 300);
    age('b', 200);
    age('c', 100);
    await (await hold('a')).release();
    await make('d');
    assert.deepEqual(kept(), ['a', 'c', 'd']);
  });

  it('keeps so many bytes, and always the one that was just made', async () => {
    const bounds = { count: 9, bytes: 1_000_000 };
    await make('a', { sizeBytes: 400_000, bounds });
    await make('b', { sizeBytes: 400_000, bounds });
    assert.deepEqual(kept(), ['a', 'b']);
    await make('c', { sizeBytes: 2_000_000, bounds });
    assert.deepEqual(kept(), ['c']);
  });

  it('counts what is on the disk: memory that nobody used takes no room', async () => {
    const bounds = { count: 9, bytes: 1_000_000 };
    await make('a', { bounds });
    await makeSnapshot(
      cache(),
      { key: 'b', inputs: [], accel: 'tcg' },
      { signal, bounds },
      (to) => {
        writeFileSync(path.join(to, 'memory'), '');
        truncateSync(path.join(to, 'memory'), 100_000_000);
        return Promise.resolve();
      },
    );
    assert.deepEqual(kept(), ['a', 'b']);
  });

  it('is read whole once, when it is made, and again after a boot and every write', async () => {
    await make('a');
    const held = await hold('a');
    const verified = path.join(held.folder, 'verified.json');
    const markedAt = () => statSync(verified, { bigint: true }).mtimeNs;
    const atFirst = markedAt();
    assert.equal(await held.damage(), undefined);
    assert.equal(markedAt(), atFirst);
    const { stamp } = JSON.parse(readFileSync(verified, 'utf8')) as { stamp: string };
    const before = stamp.replace(/^[0-9a-f-]{36}/, '00000000-0000-0000-0000-000000000000');
    writeFileSync(verified, JSON.stringify({ stamp: before }));
    assert.equal(await held.damage(), undefined);
    assert.equal((JSON.parse(readFileSync(verified, 'utf8')) as { stamp: string }).stamp, stamp);
    const { atime, mtime } = statSync(memoryOf('a'));
    const bytes = readFileSync(memoryOf('a'));
    bytes.writeUInt8(bytes.readUInt8(7) ^ 1, 7);
    writeFileSync(memoryOf('a'), bytes);
    // Who hides a write leaves a trace of it all the same.
    utimesSync(memoryOf('a'), atime, mtime);
    assert.match((await held.damage()) ?? '', /^memory has the sha256/);
    await held.release();
  });

  it('neither removes nor replaces what somebody uses', async () => {
    await make('a');
    age('a', 300);
    const [one, other] = [await hold('a'), await hold('a')];
    await make('b', { bounds: { count: 1, bytes: 1_000_000 } });
    assert.deepEqual(kept(), ['a', 'b']);
    await one.release();
    assert.equal(await removeSnapshot(cache(), 'a', signal), false);
    assert.equal(await make('a'), false);
    await other.release();
    assert.equal(await removeSnapshot(cache(), 'a', signal), true);
    assert.deepEqual(kept(), ['b']);
  });

  it('is there whole or not at all, and leaves nothing when its making fails', async () => {
    const failing = makeSnapshot(
      cache(),
      { key: 'a', inputs: [], accel: 'tcg' },
      { signal, bounds: BOUNDS },
      (folder) => {
        writeFileSync(path.join(folder, 'memory'), 'half');
        return Promise.reject(new Error('no room'));
      },
    );
    await assert.rejects(failing, /no room/);
    assert.equal(await holdSnapshot(cache(), 'a', HOLD), undefined);
    assert.deepEqual(readdirSync(cache().partial), []);
  });

  it('takes away what a maker left who was killed', async () => {
    const left = path.join(cache().partial, 'snapshot-x', 'work-1');
    mkdirSync(left, { recursive: true });
    writeFileSync(path.join(left, 'memory'), 'half');
    mkdirSync(path.join(cache().partial, 'kubelet-1'));
    await make('a');
    assert.deepEqual(readdirSync(cache().partial), ['kubelet-1']);
  });
});
