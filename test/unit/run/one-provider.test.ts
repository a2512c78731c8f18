import assert from 'node:assert/strict';
import type { Plan } from '../../../harness/core/plan.ts';
import { onOneProvider } from '../../../harness/run/one-provider.ts';
import { planOf } from '../../support/history.ts';

const HOST = { ipvs: false };
const cell = (proxyMode: Plan['proxyMode'], provider: Plan['provider']) =>
  planOf({ proxyMode, provider, cell: `proxyMode=${proxyMode}` });

describe('the provider of a matrix', () => {
  it('is the first that serves a cell; what it cannot serve is skipped, and who can is named', () => {
    const { plans, skipped } = onOneProvider(
      { plans: [cell('ipvs', 'vm'), cell('iptables', 'kind')], skipped: [] },
      HOST,
    );
    assert.deepEqual(
      plans.map((plan) => `${plan.cell} ${plan.provider}`),
      ['proxyMode=iptables kind'],
    );
    assert.equal(skipped[0]?.cell, 'proxyMode=ipvs');
    assert.match(skipped[0].because, /^kind.*no ip_vs; `--provider vm` can serve it$/);
  });

  it('is whatever it is where all agree, or nothing is left', () => {
    const vms = { plans: [cell('ipvs', 'vm')], skipped: [] };
    assert.deepEqual(onOneProvider(vms, HOST), vms);
    assert.deepEqual(onOneProvider({ plans: [], skipped: [] }, HOST), { plans: [], skipped: [] });
  });

  it('leaves a control that it skips one', () => {
    const control = { ...cell('ipvs', 'vm'), expects: 'fail' as const };
    const planned = { plans: [control, cell('iptables', 'kind')], skipped: [] };
    assert.equal(onOneProvider(planned, HOST).skipped[0]?.expects, 'fail');
  });
});
