import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseLoadLine } from '../../../harness/load/lines.ts';

const interval = {
  ...{ fromWallMs: 1_000, toWallMs: 2_000, sent: 4, ok: 2, timeouts: 1 },
  ...{ errors: { SERVFAIL: 1 }, latenciesMs: [0.31, 0.4, 5_000.2, 1] },
};
const lines = [
  { ready: true, atWallMs: 1, load: 'dns-pairs', detail: '10.96.0.10 port 53' },
  interval,
  { ...interval, stallMs: 300, skipped: 2, flows: { alive: 1, dead: 0, reopened: 0 } },
  { ended: 'stopped', atWallMs: 3, total: { sent: 4, ok: 2, timeouts: 1, errors: 1 } },
];

describe('load lines', () => {
  it('are read as they were printed', () => {
    for (const line of lines) assert.deepEqual(parseLoadLine(JSON.stringify(line)), line);
  });

  it('are refused where their sums are wrong', () => {
    const wrong = [
      { ...interval, sent: 5 },
      { ...interval, errors: {} },
      { ...interval, latenciesMs: [1, 2] },
      { ...interval, latenciesMs: [1, 2, 3, 4, 5] },
      { ...interval, ok: -1 },
      { ...interval, more: 1 },
      { ready: false, atWallMs: 1, load: 'x' },
    ];
    for (const line of wrong)
      assert.equal(parseLoadLine(JSON.stringify(line)), undefined, JSON.stringify(line));
  });

  it('never throw, whatever the text, and never make a line of a part of one', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        parseLoadLine(text);
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...lines), fc.nat(), (line, cut) => {
        const text = JSON.stringify(line);
        assert.equal(parseLoadLine(text.slice(0, cut % text.length)), undefined);
      }),
    );
  });

  it('with one character changed are either refused or sums that hold', () => {
    const text = JSON.stringify(interval);
    fc.assert(
      fc.property(
        fc.nat({ max: text.length - 1 }),
        fc.string({ minLength: 1, maxLength: 1 }),
        (at, other) => {
          const line = parseLoadLine(text.slice(0, at) + other + text.slice(at + 1));
          if (line === undefined || !('sent' in line)) return;
          const failed = Object.values(line.errors).reduce((sum, each) => sum + each, 0);
          assert.equal(line.sent, line.ok + line.timeouts + failed);
        },
      ),
    );
  });
});
