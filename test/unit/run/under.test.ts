/** A fault that others of its phase are under: planned, said, put in force first and undone last. */
import assert from 'node:assert/strict';
import { faultsOf } from '../../../harness/core/plan.ts';
import { describePlan } from '../../../harness/run/describe-plan.ts';
import { faultWasFelt } from '../../../harness/judge/checkers/fault-was-felt.ts';
import { vmRefusals } from '../../../harness/providers/vm/refusals.ts';
import { historyOf, planOf } from '../../support/history.ts';
import { judgeWith } from '../../support/judge-with.ts';

const under = { name: 'flood', params: { nics: 'all' } };
const fault = { name: 'nic-reattach', params: { for: '5s' } };
const phase = { name: 'reattach', forMs: 60_000, under, fault };

describe('a phase under a fault', () => {
  it('has it first', () => {
    assert.deepEqual(faultsOf(phase), [under, fault]);
    assert.deepEqual(faultsOf({ name: 'x', forMs: 1 }), []);
  });

  it('says so', () => {
    const text = describePlan({ plans: [planOf({ phases: [phase] })], skipped: [] });
    assert.match(text, /reattach for 1m: under flood \(nics=all\); fault nic-reattach \(for=5s\)/);
  });

  it('must show that both were felt', () => {
    const happened = (name: string) => {
      const at = { tMs: 11_000, id: name, node: 'w1' } as const;
      return [
        { ...at, kind: 'fault', fault: name, state: 'injected' },
        { ...at, kind: 'felt', disruption: name, felt: true, evidence: name },
      ] as const;
    };
    const phases = { reattach: { under, fault } };
    const judged = (...names: string[]) =>
      judgeWith(
        faultWasFelt,
        historyOf({ reattach: 60 }, { phases, events: names.flatMap(happened) }),
      );
    assert.equal(judged('flood', 'nic-reattach').verdict, 'pass');
    assert.match(judged('nic-reattach').summary, /flood of phase reattach never happened/);
    assert.match(judged('flood').summary, /nic-reattach of phase reattach never happened/);
  });

  it('is refused where the provider refuses it as a fault', () => {
    const pause = { name: 'freeze', params: { how: 'pause', for: '5s' } };
    const plan = planOf({ provider: 'vm', phases: [{ ...phase, under: pause }] });
    assert.match(vmRefusals(plan).join(), /pause stops the processes of a container/);
  });
});
