import assert from 'node:assert/strict';
import fc from 'fast-check';
import { podLogReader } from '../../../harness/load/pod-log.ts';

const AT = '2026-01-02T03:04:05.678901234Z';

describe('pod log', () => {
  it('gives the text of whole lines', () => {
    const read = podLogReader();
    assert.deepEqual(read(`${AT} stdout F {"ready":true}`), {
      ...{ at: AT, stream: 'stdout', text: '{"ready":true}' },
    });
    assert.equal(read('2026-01-02T03:04:05+02:00 stderr F a b')?.text, 'a b');
    assert.equal(read(`${AT} stdout F `)?.text, '');
  });

  it('joins parts by stream', () => {
    const read = podLogReader();
    assert.equal(read(`${AT} stdout P {"a":`), undefined);
    assert.equal(read(`${AT} stderr F warning`)?.text, 'warning');
    assert.equal(read(`${AT} stdout P [1,`), undefined);
    assert.equal(read(`${AT} stdout F 2]}`)?.text, '{"a":[1,2]}');
    assert.equal(read(`${AT} stdout F next`)?.text, 'next');
  });

  it('joins any text that was cut anywhere', () => {
    const text = fc.string().filter((each) => !each.includes('\n'));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (parts) => {
        const read = podLogReader();
        const texts = parts.map((part, index) =>
          read(`${AT} stdout ${index === parts.length - 1 ? 'F' : 'P'} ${part}`),
        );
        assert.equal(texts.at(-1)?.text, parts.join(''));
        assert.ok(texts.slice(0, -1).every((each) => each === undefined));
      }),
    );
  });

  it('skips what is no line of a log', () => {
    const read = podLogReader();
    for (const line of ['', 'stdout F x', `${AT} stdin F x`, AT, `${AT} stdout`])
      assert.equal(read(line), undefined, line);
    fc.assert(
      fc.property(fc.array(fc.string()), (damaged) => {
        const reader = podLogReader();
        for (const line of damaged) reader(line);
      }),
    );
  });
});
