/**
 * The scenarios that CI holds true, through the real CLI on a real cluster: the gate passes, and each control comes out as
 * it must. What is asserted is what was planted: exact numbers, and ages within one sample period.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { defaultCacheDir } from '../../harness/components/cache-folder.ts';
import type { EventOf } from '../../harness/core/history.ts';
import { findEngine } from '../../harness/providers/kind/engine-find.ts';
import { skipOrFail } from '../support/real.ts';
import {
  eventsOfRun,
  findingOf,
  RUN_MS,
  runScenarioCli,
  type Ran,
} from '../support/run-scenario.ts';

let reports: string;

const run = (scenario: string, ...set: string[]): Promise<Ran> =>
  runScenarioCli(
    scenario,
    reports,
    set.flatMap((one) => ['--set', one]),
  );

describe('scenarios on a real cluster', function () {
  this.timeout(RUN_MS);

  before(async function () {
    await findEngine({ cacheDir: defaultCacheDir(process.env) }).catch((error: unknown) =>
      skipOrFail(this, String(error)),
    );
    reports = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
  });

  after(() => {
    rmSync(reports, { recursive: true, force: true });
  });

  it('upgrade-smoke passes, with both nodes upgraded and enough judged', async () => {
    const first = await run('upgrade-smoke');
    // A starved machine proves nothing and may try once more; a failed check is a failure at once.
    const ran = first.exitCode === 3 ? await run('upgrade-smoke') : first;
    assert.equal(ran.exitCode, 0, JSON.stringify(ran.result.findings, undefined, 1));
    assert.equal(ran.result.verdict, 'pass');
    const sent = (type: string) =>
      eventsOfRun(ran, 'load')
        .filter((event) => event.type === type)
        .reduce((sum, event) => sum + event.sent, 0);
    assert.ok(sent('dns') >= 10_000, `${sent('dns')} lookups`);
    assert.ok(sent('http') >= 2_000, `${sent('http')} requests`);
    const last = new Map(eventsOfRun(ran, 'proxy').map(({ node, version }) => [node, version]));
    assert.deepEqual([...last.values()], ['1.34.4', '1.34.4']);
    const frozen = eventsOfRun(ran, 'agent-gap').filter(({ gapMs }) => gapMs >= 4_500);
    assert.equal(frozen.length, 1, 'the freeze is seen from inside, once');
  });

  it('stale-rules-control fails on rule-freshness, naming Service, node and the planted age', async () => {
    const ran = await run('stale-rules-control');
    assert.equal(ran.exitCode, 1);
    const freshness = findingOf(ran, 'rule-freshness');
    assert.equal(freshness.verdict, 'fail');
    const [gone, back] = eventsOfRun(ran, 'churn').sort((a, b) => a.tMs - b.tMs);
    assert.ok(gone && back);
    const plantedMs = back.tMs - gone.tMs;
    const stopped = eventsOfRun(ran, 'fault').find(({ state }) => state === 'injected');
    assert.ok(stopped);
    const stale = eventsOfRun(ran, 'rule-episode').filter(
      ({ error, node }) => error === 'stale' && node === stopped.node,
    );
    const [worst] = stale.sort((a, b) => ageOf(b) - ageOf(a));
    assert.ok(worst);
    assert.equal(worst.service, 'coalmine/churned');
    assert.ok(
      Math.abs(ageOf(worst) - plantedMs) <= ran.result.plan.rulesEveryMs,
      `planted ${plantedMs} ms, found ${ageOf(worst)} ms`,
    );
    assert.ok(
      freshness.summary.includes('coalmine/churned') && freshness.summary.includes(stopped.node),
      freshness.summary,
    );
    const healthy = eventsOfRun(ran, 'rule-episode').filter(
      ({ error, node }) => error === 'stale' && node !== stopped.node,
    );
    assert.ok(
      healthy.every((episode) => ageOf(episode) < 5_000),
      'the other node follows',
    );
  });

  it('drop-control fails on drop-count with exactly the planted number', async () => {
    const planted = 41;
    const ran = await run('drop-control', `phases.1.fault.drop-packets.count=${planted}`);
    assert.equal(ran.exitCode, 1);
    const drops = findingOf(ran, 'drop-count');
    assert.equal(drops.verdict, 'fail');
    const node = eventsOfRun(ran, 'fault')[0]?.node ?? '';
    assert.match(
      drops.summary,
      new RegExp(`^${node}: snmp/Ip.OutDiscards counted ${planted} drops`),
    );
    const others = ran.result.findings.filter(
      ({ checker, verdict }) => checker !== 'drop-count' && verdict !== 'pass',
    );
    assert.deepEqual(others, [], 'nothing else is wrong with this run');
  });

  it('nothing-happened is inconclusive', async () => {
    const ran = await run('nothing-happened');
    assert.equal(ran.exitCode, 3);
    assert.equal(ran.result.verdict, 'inconclusive');
    assert.equal(findingOf(ran, 'dns').verdict, 'inconclusive');
  });
});

function ageOf({ sinceMs, untilMs, tMs }: EventOf<'rule-episode'>): number {
  return (untilMs ?? tMs) - sinceMs;
}
