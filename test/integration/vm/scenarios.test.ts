/**
 * The incidents, on nodes with a kernel of their own and through the real CLI: each bad version must fail on the checker
 * that is meant for it, and each good one must pass. What a starved machine left open is tried once more; a wrong verdict
 * counts at once.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { demandQemu } from '../../../harness/providers/vm/accel.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import {
  findingOf,
  RUN_MS,
  runScenarioCli,
  unpassed,
  type Ran,
} from '../../support/run-scenario.ts';

const SCENARIOS = path.resolve(import.meta.dirname, '../../../scenarios');
const INCONCLUSIVE = 3;

let folder: string;

async function run(scenario: string, ...set: string[]): Promise<Ran> {
  const more = ['--provider', 'vm', ...set.flatMap((one) => ['--set', one])];
  const ran = await runScenarioCli(scenario, folder, more);
  return ran.exitCode === INCONCLUSIVE ? await runScenarioCli(scenario, folder, more) : ran;
}

/** Each of those checkers fails by itself. */
async function demandCaught(
  checkers: readonly string[],
  scenario: string,
  bad: string,
): Promise<Ran> {
  const ran = await run(scenario, bad);
  assert.equal(ran.exitCode, 1, unpassed(ran));
  for (const checker of checkers)
    assert.equal(findingOf(ran, checker).verdict, 'fail', unpassed(ran));
  return ran;
}

async function demandPass(scenario: string, ...set: string[]): Promise<void> {
  const ran = await run(scenario, ...set);
  assert.equal(ran.exitCode, 0, unpassed(ran));
}

describe('incidents on machines with their own kernel', function () {
  this.timeout(2 * RUN_MS);

  before(async function () {
    if (!isRoot()) skipOrFail(this, 'making root disks needs root');
    await demandQemu().catch((error: unknown) => skipOrFail(this, String(error)));
    folder = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('irq-drift fails with irqbalance 1.7.0-1, which looks and moves nothing', async () => {
    const ran = await demandCaught(['irq-spread'], 'irq-drift', 'irqbalance=1.7.0-1');
    const { looksOfBalancer, selectedByBalancer } = findingOf(ran, 'irq-spread').evidence;
    assert.ok(Number(looksOfBalancer) >= 6, String(looksOfBalancer));
    assert.equal(selectedByBalancer, 0);
  });
  it('irq-drift passes with irqbalance 1.9.2-1', () =>
    demandPass('irq-drift', 'irqbalance=1.9.2-1'));

  it('ipvs-resync fails with kube-proxy 1.34.3', async () => {
    await demandCaught(['rule-freshness'], 'ipvs-resync', 'kube-proxy=1.34.3');
  });
  it('ipvs-resync passes with kube-proxy 1.34.4', () =>
    demandPass('ipvs-resync', 'kube-proxy=1.34.4'));

  it('ipvs-drain-reuse fails with kube-proxy 1.13.0, by its rules and by its own words', async () => {
    const checkers = ['rule-freshness', 'log-silence'];
    await demandCaught(checkers, 'ipvs-drain-reuse', 'kube-proxy=1.13.0');
  });
  it('ipvs-drain-reuse passes with kube-proxy 1.13.1', () =>
    demandPass('ipvs-drain-reuse', 'kube-proxy=1.13.1'));

  it('freeze-vm passes, its freezes of five seconds', () => {
    const text = readFileSync(path.join(SCENARIOS, 'freeze-vm.yaml'), 'utf8');
    const scenario = parse(text) as { phases: { name: string }[] };
    const phases = scenario.phases.filter(({ name }) => !name.endsWith('-long'));
    assert.ok(phases.length < scenario.phases.length);
    const short = path.join(folder, 'freeze-vm.yaml');
    writeFileSync(short, stringify({ ...scenario, phases }));
    return demandPass(short);
  });
});
