import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { hasCode } from '../../../harness/core/errors.ts';
import type { HistoryEvent, Sample } from '../../../harness/core/history.ts';
import { readHistory } from '../../../harness/record/reader.ts';
import { createRunDirectory } from '../../../harness/record/run-directory.ts';
import { environmentOf, planOf } from '../../support/history.ts';

const EVENTS: HistoryEvent[] = [
  { tMs: 0, kind: 'run', state: 'started' },
  { tMs: 1.5, kind: 'note', text: 'zwölf\n"quoted"' },
  { tMs: 2, kind: 'phase', phase: 'baseline', state: 'started' },
  { tMs: 9, kind: 'run', state: 'ended' },
];
const SAMPLES: Sample[] = [
  { tMs: 3, node: 'w1', probe: 'softnet', values: { 'cpu0.dropped': 1, 'cpu1.dropped': 0 } },
  { tMs: 4, node: 'w2', probe: 'softnet', values: { 'cpu0.dropped': 7 } },
  { tMs: 5, node: 'w1', probe: 'softnet', values: { 'cpu0.dropped': 2 } },
];

describe('reader', () => {
  let folder: string;
  let dir: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-reader-'));
    const recorder = createRunDirectory(folder, planOf(), environmentOf());
    dir = recorder.dir;
    for (const event of EVENTS) recorder.event(event);
    for (const sample of SAMPLES) recorder.sample(sample);
    recorder.writeFile('logs/kube-proxy/w1.log', 'I1122 hello\n');
    recorder.close();
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Values are put together on demand; a copy compares them as plain data. */
  const plain = (samples: readonly Sample[]) => samples.map((sample) => ({ ...sample }));

  it('gives back what was recorded', () => {
    const { history, environment, damage } = readHistory(path.join(folder, 'latest'));
    assert.deepEqual(history.events, EVENTS);
    assert.deepEqual(plain(history.samples), SAMPLES);
    assert.deepEqual([...history.logs], [['kube-proxy/w1.log', 'I1122 hello\n']]);
    assert.deepEqual(history.plan, planOf());
    assert.deepEqual(environment, environmentOf());
    assert.deepEqual(damage, []);
  });

  for (const [file, records] of [
    ['events.ndjson', EVENTS.length],
    ['samples.ndjson', SAMPLES.length],
  ] as const) {
    it(`recovers every intact record of ${file}, cut off at any byte`, () => {
      const whole = readFileSync(path.join(dir, file));
      for (let length = 0; length <= whole.length; length += 1) {
        const cut = whole.subarray(0, length);
        writeFileSync(path.join(dir, file), cut);
        const { history, damage } = readHistory(dir);
        const lines = cut.toString('latin1').split('\n');
        const torn = lines.pop() ?? '';
        // A last line that misses nothing but its newline is a whole record.
        const intact = lines.length + (torn !== '' && whole[length] === 0x0a ? 1 : 0);
        const read = file === 'events.ndjson' ? history.events : plain(history.samples);
        const written = file === 'events.ndjson' ? EVENTS : SAMPLES;
        assert.ok(intact <= records);
        assert.deepEqual(read, written.slice(0, intact), `cut at ${length}`);
        assert.equal(damage.length, torn !== '' && whole[length] !== 0x0a ? 1 : 0);
      }
    });
  }

  it('never crashes on a flipped byte: a hole is an error that names file and line, or is salvaged', () => {
    const file = path.join(dir, 'events.ndjson');
    copyFileSync(file, `${file}.whole`);
    const whole = readFileSync(file);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (offset, flip) => {
        const flipped = Buffer.from(whole);
        flipped[offset] = (flipped[offset] ?? 0) ^ flip;
        writeFileSync(file, flipped);
        const { history, damage } = readHistory(dir, { salvage: true });
        // One flip damages one line, or two where it hits or makes a newline.
        assert.ok(history.events.length >= EVENTS.length - 2);
        try {
          readHistory(dir);
        } catch (error) {
          assert.ok(hasCode(error, 'history'));
          assert.match(error.message, /events\.ndjson:\d+: /);
          assert.ok(damage.length > 0);
        }
      }),
    );
  });

  it('refuses a hole in the middle', () => {
    const file = path.join(dir, 'samples.ndjson');
    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, [lines[0], '{"t":4', lines[2], ''].join('\n'));
    assert.throws(
      () => readHistory(dir),
      (error) => hasCode(error, 'history') && error.message.includes('samples.ndjson:2: '),
    );
    assert.equal(readHistory(dir, { salvage: true }).history.samples.length, 2);
  });

  it('refuses a run of another version, and what is no run', () => {
    writeFileSync(path.join(dir, 'plan.json'), JSON.stringify({ ...planOf(), version: 2 }));
    assert.throws(
      () => readHistory(dir),
      (error) => hasCode(error, 'history') && error.message.includes('version 2'),
    );
    for (const missing of [folder, path.join(folder, 'absent')]) {
      assert.throws(
        () => readHistory(missing),
        (error) => hasCode(error, 'history') && error.wayOut !== undefined,
      );
    }
  });
});
