/** Histograms as kernels print them; captured on machines with thousands of virtual servers of IPVS. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { softirqTrace } from '../../../../harness/core/softirq-trace.ts';
import { parseHistogram, softirqTimes } from '../../../../harness/observe/probes/softirq-times.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../../fixtures/tracefs');
const captured = (name: string): string => readFileSync(path.join(FIXTURES, name), 'utf8');
const timer = captured('linux-6.1-timer.txt');
const softirq = captured('linux-6.1-softirq.txt');

const FILES = [
  ...['linux-6.1-timer.txt', 'linux-6.1-softirq.txt'],
  ...['linux-6.12-timer.txt', 'linux-6.12-wait.txt'],
];

const totalOf = (values: Record<string, number>): number =>
  Object.entries(values).reduce(
    (sum, [key, count]) => (key.endsWith('.dropped') ? sum : sum + count),
    0,
  );
const hitsOf = (text: string): number => Number(/Hits: (\d+)/.exec(text)?.[1]);

describe('softirq-times', () => {
  it('names a handler by its function and module, and a length by the end of its bucket', () => {
    const values = parseHistogram('timer', timer);
    assert.equal(values['timer:estimation_timer[ip_vs].8192'], 16);
    assert.equal(values['timer:estimation_timer[ip_vs].32768'], 1);
    assert.equal(values['timer:tcp_orphan_update.32'], 511);
    assert.equal(values['timer.dropped'], 0);
  });

  it('finds no estimation among the timers of a kernel that has threads for it', () => {
    const values = parseHistogram('timer', captured('linux-6.12-timer.txt'));
    assert.ok(Object.keys(values).some((key) => key.startsWith('timer:process_timeout.')));
    assert.ok(!Object.keys(values).some((key) => key.includes('estimation')));
  });

  it('names a softirq by its vector', () => {
    const values = parseHistogram('softirq', softirq);
    assert.equal(values['softirq:TIMER.8192'], 13);
    assert.equal(values['softirq:RCU.1024'], 2);
  });

  for (const name of FILES)
    it(`leaves out no run that the kernel counted (${name})`, () => {
      const text = captured(name);
      assert.equal(totalOf(parseHistogram('any', text)), hitsOf(text));
    });

  it('reads the files of its own trace, each as what it is', () => {
    const probe = softirqTimes('coalmine-r1-f1');
    const { histograms } = softirqTrace('coalmine-r1-f1');
    const values = probe.parse({
      [histograms.timer]: timer,
      [histograms.softirq]: softirq,
      [histograms.wait]: null,
    });
    assert.equal(totalOf(values), hitsOf(timer) + hitsOf(softirq));
    assert.ok(Object.keys(values).every((key) => !key.startsWith('wait')));
  });

  it('says nothing of a text that was cut off, at whatever place', () => {
    const end = timer.lastIndexOf('\n');
    fc.assert(
      fc.property(fc.nat({ max: end - 1 }), (length) => {
        assert.deepEqual(parseHistogram('timer', timer.slice(0, length)), {});
      }),
    );
  });

  it('never counts more than there is, whatever is lost of a line', () => {
    const whole = parseHistogram('timer', timer);
    const places = fc.tuple(fc.nat({ max: timer.length }), fc.nat({ max: 60 }));
    fc.assert(
      fc.property(places, ([at, length]) => {
        // What is left of two lines could be a larger number than either had.
        fc.pre(!timer.slice(at, at + length).includes('\n'));
        const damaged = parseHistogram('timer', timer.slice(0, at) + timer.slice(at + length));
        for (const [key, count] of Object.entries(damaged)) assert.ok(Number.isFinite(count), key);
        // A digit that is gone makes a number smaller; nothing makes it larger.
        if (!Object.keys(damaged).every((key) => Object.hasOwn(whole, key))) return;
        assert.ok(totalOf(damaged) <= totalOf(whole));
      }),
    );
  });
});
