import assert from 'node:assert/strict';
import { readArguments, UsageError } from '../../../../harness/load/generator/options.ts';

describe('the command line of the generator', () => {
  const given = (...argv: string[]) => readArguments(argv, ['rate', 'names', 'mode']);

  it('gives numbers, lists and words', () => {
    const read = given('--rate', '2.5', '--names', 'a,b');
    assert.equal(read.number('rate'), 2.5);
    assert.deepEqual(read.list('names'), ['a', 'b']);
    assert.equal(read.oneOf('mode', ['first', 'second']), 'first');
    assert.equal(given().number('rate', 7), 7);
    assert.equal(given().optionalNumber('rate'), undefined);
  });

  it('refuses what it does not know or cannot read', () => {
    assert.throws(() => given('--speed', '3'), UsageError);
    assert.throws(() => given('fast'), UsageError);
    for (const rate of ['', 'x', '-1', 'Infinity'])
      assert.throws(() => given(`--rate=${rate}`).number('rate'), UsageError);
    assert.throws(() => given().number('rate'), UsageError);
    assert.throws(() => given('--names', ',').list('names'), UsageError);
    assert.throws(() => given('--mode', 'third').oneOf('mode', ['first', 'second']), UsageError);
  });
});
