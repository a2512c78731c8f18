/** A kernel's own word on how long its machine stood still. */
import assert from 'node:assert/strict';
import { hasCode } from '../../../harness/core/errors.ts';
import { TRACEFS } from '../../../harness/core/softirq-trace.ts';
import {
  longestGapMs,
  standstillOf,
  timersIn,
  traceTimers,
} from '../../../harness/disrupt/traces/timers.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

const TAG = 'coalmine-20261122-120000-abcd-1-f1';
/** Of a machine with two CPUs that stood still for five seconds (Linux 6.12). */
const TRACE = `# tracer: nop
#
# entries-in-buffer/entries-written: 6/6   #P:2
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
CPU:1 [LOST 17 EVENTS]
            node-783     [000] d.h1.   112.514069: hrtimer_expire_entry: hrtimer=00000000f0b5f0e7 function=hrtimer_wakeup now=112514011543
 containerd-shim-705     [001] d.h..   112.516051: hrtimer_expire_entry: hrtimer=00000000d1a5ddd2 function=tick_nohz_handler now=112516000000
 containerd-shim-705     [001] d.h..   112.516058: hrtimer_expire_exit: hrtimer=00000000d1a5ddd2
          <idle>-0       [001] d.h1.   117.517461: hrtimer_expire_entry: hrtimer=00000000d1a5ddd2 function=tick_nohz_handler now=117517409000
       a name [7]-9      [000] d.h..   117.517480: hrtimer_expire_entry: hrtimer=000000005e5b1d94 function=tick_nohz_handler now=117517409000
`;

describe('disrupt/traces/timers', () => {
  it('reads when timers fired on any CPU, and how long none did', () => {
    const times = timersIn(TRACE);
    assert.deepEqual(
      times.map((ms) => ms.toFixed(3)),
      ['112514.069', '112516.051', '117517.461', '117517.480'],
    );
    assert.equal(longestGapMs(times)?.toFixed(3), '5001.410');
    assert.equal(longestGapMs(timersIn('# tracer: nop\n')), undefined);
    assert.equal(longestGapMs([1]), undefined);
  });

  it('asks the kernel by the trace of its own, and says what it did not take', async () => {
    const node = new FakeNode('w1');
    const file = `${TRACEFS}/instances/${TAG}/trace`;
    node.programs.set('cp', () => '');
    node.programs.set('cat', () => TRACE);
    const standstill = standstillOf(node.agent, TAG);
    await standstill.forget();
    assert.equal(Math.round((await standstill.longestMs()) ?? NaN), 5_001);
    assert.deepEqual(node.argvs, [`cp /dev/null ${file}`, `cat ${file}`]);
    node.programs.set('cat', () => 1);
    await assert.rejects(standstill.longestMs(), (error) => hasCode(error, 'command'));
  });

  it('is felt once a timer was written down', async () => {
    const node = new FakeNode('w1');
    node.programs.set('test', () => 0);
    const target = {
      ...{ node: node.info, agent: node.agent, controller: node },
      ...{ kube: new FakeKube(), tag: TAG },
    };
    const prepared = await traceTimers.prepare(traceTimers.params.parse({}), target);
    node.programs.set('cat', () => '# tracer: nop\n');
    assert.equal((await prepared.felt()).felt, false);
    node.programs.set('cat', () => TRACE);
    assert.deepEqual(await prepared.felt(), {
      felt: true,
      evidence: 'the kernel has written down 4 timers',
    });
  });
});
