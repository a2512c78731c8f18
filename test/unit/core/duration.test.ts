import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  durationSchema,
  formatDuration,
  parseDuration,
  positiveDurationSchema,
} from '../../../harness/core/duration.ts';

describe('durations', () => {
  it('are read with their unit', () => {
    assert.equal(parseDuration('500ms'), 500);
    assert.equal(parseDuration('1.5m'), 90_000);
    assert.equal(parseDuration('72h'), 259_200_000);
    for (const text of ['', '5', '5 s', 's', '-5s', '5sec', '1e3s'])
      assert.equal(parseDuration(text), undefined, text);
  });

  it('are written as they are read', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 9 }), (ms) => parseDuration(formatDuration(ms)) === ms),
    );
  });
});

describe('durationSchema', () => {
  it('gives milliseconds', () => {
    assert.equal(durationSchema.parse('5s'), 5_000);
  });

  it('refuses what has no unit, and says what is wanted', () => {
    const message = (value: unknown) => durationSchema.safeParse(value).error?.issues[0]?.message;
    assert.match(message(5) ?? '', /^5 has no unit; write a duration with its unit, such as 500ms/);
    assert.match(message('5') ?? '', /^'5' is not a duration with its unit/);
    assert.match(message(null) ?? '', /^this must be a duration/);
  });
});

describe('positiveDurationSchema', () => {
  it('refuses no time at all, in any unit, and a text as durationSchema does', () => {
    assert.equal(positiveDurationSchema.parse('1ms'), 1);
    const message = (text: string) =>
      positiveDurationSchema.safeParse(text).error?.issues[0]?.message;
    for (const text of ['0s', '0h', '0.0001ms'])
      assert.match(message(text) ?? '', /longer than no time at all/, text);
    assert.match(message('5') ?? '', /is not a duration with its unit/);
  });
});
