import assert from 'node:assert/strict';
import { CoalmineError } from '../../../harness/core/errors.ts';
import { interruptible, watchSignals } from '../../../harness/cli/interrupt.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

describe('signals', () => {
  const before = new Map<string, NodeJS.SignalsListener[]>();

  beforeEach(() => {
    // The test runner listens to some of them itself.
    for (const name of SIGNALS) {
      before.set(name, process.listeners(name));
      process.removeAllListeners(name);
    }
  });

  afterEach(() => {
    for (const name of SIGNALS) {
      process.removeAllListeners(name);
      for (const listener of before.get(name) ?? []) process.on(name, listener);
    }
    for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
  });

  it('interrupt once, and a double that comes at once does not count', () => {
    const said: string[] = [];
    const interruption = watchSignals((line) => said.push(line));
    assert.equal(interruption.caught(), undefined);
    process.emit('SIGINT', 'SIGINT');
    process.emit('SIGINT', 'SIGINT');
    assert.equal(interruption.caught(), 'SIGINT');
    assert.equal(interruption.signal.aborted, true);
    assert.equal(interruption.impatient.aborted, false);
    assert.equal(said.length, 1);
  });

  it('count a closed terminal as SIGTERM, for listeners too', () => {
    const interruption = watchSignals(() => undefined);
    const heard: string[] = [];
    interruption.subscribe((signal) => heard.push(signal));
    process.emit('SIGHUP', 'SIGHUP');
    assert.equal(interruption.caught(), 'SIGTERM');
    assert.deepEqual(heard, ['SIGTERM']);
  });

  it('are no error where they end what was begun, but hide none', async () => {
    const exitCode = process.exitCode;
    const interruption = watchSignals(() => undefined);
    const boom = new Error('wrong code');
    const thrower = (error: Error) => () => Promise.reject(error);
    await assert.rejects(interruptible(interruption, thrower(boom)), boom, 'nobody interrupted');
    process.emit('SIGINT', 'SIGINT');
    try {
      await interruptible(interruption, thrower(interruption.signal.reason as Error));
      assert.equal(process.exitCode, 130);
      const dirty = new CoalmineError('undo', 'still in force');
      for (const error of [dirty, boom])
        await assert.rejects(interruptible(interruption, thrower(error)), error);
    } finally {
      process.exitCode = exitCode;
    }
  });

  it('survive that nothing can be printed any more', () => {
    watchSignals(() => undefined);
    const gone = Object.assign(new Error('write EIO'), { code: 'EIO' });
    for (const stream of [process.stdout, process.stderr])
      assert.equal(stream.emit('error', gone), true, 'somebody listens');
  });
});
