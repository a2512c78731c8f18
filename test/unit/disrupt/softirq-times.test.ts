/** A trace that a kernel is to keep: what it is told, and what is left when it does not take it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Command } from '../../../harness/core/command.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { softirqTrace, TRACEFS } from '../../../harness/core/softirq-trace.ts';
import { traceSoftirqTimes } from '../../../harness/disrupt/traces/softirq-times.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

const TAG = 'coalmine-20261122-120000-abcd-1-f1';

describe('core/softirq-trace', () => {
  const { events, triggers, histograms } = softirqTrace(TAG);

  it('refers to no variable, event or trigger that is not there yet', () => {
    const variables = new Set<string>();
    const known = new Set(events.map((event) => `synthetic/${event.split(' ')[0] ?? ''}`));
    for (const [file, trigger] of triggers) {
      for (const [, name = ''] of trigger.matchAll(/\$(\w+)/g))
        assert.ok(
          variables.has(name) || new RegExp(`[:,]${name}=`).test(trigger),
          `${file}: ${name}`,
        );
      for (const [, start = ''] of trigger.matchAll(/onmatch\((.+?)\)/g))
        assert.ok(known.has(start.replace('.', '/')), `${file}: ${start}`);
      for (const [, event = ''] of trigger.matchAll(/\.trace\((\w+),/g))
        assert.ok(known.has(`synthetic/${event}`), `${file}: ${event}`);
      if (file.startsWith('synthetic/')) assert.ok(known.has(file), file);
      known.add(file);
      for (const [, name = ''] of trigger.matchAll(/[:,](\w+)=/g)) variables.add(name);
    }
  });

  it('gives each length a name that the kernel takes, and that is nobody else’s', () => {
    for (const event of events)
      assert.match(event, /^coalmine_20261122_120000_abcd_1_f1_[a-z]+ u64 us; /);
    const other = softirqTrace(TAG.replace('f1', 'f2'));
    assert.ok(events.every((event) => !other.events.includes(event)));
    assert.equal(
      histograms.timer,
      `${TRACEFS}/instances/${TAG}/events/synthetic/${TAG.replaceAll('-', '_')}_timer/hist`,
    );
  });
});

describe('disrupt/traces/softirq-times', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
    mkdirSync(path.join(root, 'instances'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  const run = ({ argv }: Command) => {
    const [, ...args] = argv;
    const own = args.map((word) => word.replaceAll(TRACEFS, root));
    return spawnSync(process.execPath, own, { encoding: 'utf8' });
  };
  const prepare = (exists: (file: string) => boolean) => {
    const node = new FakeNode('w1');
    node.programs.set('test', ([, , file = '']) => (exists(file) ? 0 : 1));
    const target = {
      ...{ node: node.info, agent: node.agent, controller: node },
      ...{ kube: new FakeKube(), tag: TAG },
    };
    return traceSoftirqTimes.prepare(traceSoftirqTimes.params.parse({}), target);
  };

  it('says what a kernel would not take, and takes all of it back', async () => {
    const { inject, undo } = await prepare(() => true);
    assert.ok(typeof inject !== 'function');
    const [arm] = inject;
    assert.ok(arm);
    // A plain folder has no events: the first trigger cannot be set.
    const { status, stderr } = run(arm);
    assert.equal(status, 1);
    assert.match(stderr, /ENOENT.*timer_expire_entry\/trigger/);
    const lines = readFileSync(path.join(root, 'synthetic_events'), 'utf8').trim().split('\n');
    assert.deepEqual(lines, softirqTrace(TAG).events);
    assert.deepEqual(readdirSync(path.join(root, 'instances')), [TAG]);
    assert.equal(run(undo.verify.command).stdout, '1\n');
    for (const round of [1, 2]) {
      for (const command of undo.undo) assert.equal(run(command).status, 0, String(round));
      assert.equal(existsSync(path.join(root, 'instances', TAG)), false);
      assert.equal(run(undo.verify.command).stdout.trim(), undo.verify.stdout);
    }
  });

  it('does not say that it is gone while something of it is there', async () => {
    const { undo } = await prepare(() => true);
    mkdirSync(path.join(root, 'instances', TAG, 'events'), { recursive: true });
    for (const command of undo.undo) assert.equal(run(command).status, 1);
    assert.notEqual(run(undo.verify.command).stdout.trim(), undo.verify.stdout);
  });

  it('mounts tracefs only where it is not, and refuses a kernel without it', async () => {
    const modeOf = async (exists: (file: string) => boolean) => {
      const { undo } = await prepare(exists);
      return undo.verify.command.argv[4];
    };
    assert.equal(await modeOf(() => true), 'already');
    assert.equal(await modeOf((file) => !file.endsWith('/instances')), 'ours');
    await assert.rejects(
      prepare(() => false),
      (error) => hasCode(error, 'inject'),
    );
  });
});
