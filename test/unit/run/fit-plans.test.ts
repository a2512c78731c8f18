import assert from 'node:assert/strict';
import { CoalmineError, hasCode } from '../../../harness/core/errors.ts';
import type { Plan } from '../../../harness/core/plan.ts';
import { fitPlans, withoutUnfit } from '../../../harness/run/fit-plans.ts';
import { planOf } from '../../support/history.ts';

const WAY_OUT = 'Choose another proxy mode.';
const planned = {
  plans: (['iptables', 'ipvs', 'nftables'] as const).map((proxyMode, index) =>
    planOf({ proxyMode, cell: `proxyMode=${proxyMode}`, runId: `run-${index + 1}` }),
  ),
  skipped: [{ scenario: 'example', cell: 'proxyMode=none', because: 'excluded' }],
};
const refuse =
  (...modes: Plan['proxyMode'][]) =>
  ({ proxyMode }: Plan): Promise<void> =>
    modes.includes(proxyMode)
      ? Promise.reject(new CoalmineError('preflight', `no ${proxyMode}`, { wayOut: WAY_OUT }))
      : Promise.resolve();
const cellsOf = ({ plans }: { plans: readonly Plan[] }) => plans.map(({ proxyMode }) => proxyMode);

describe('plans that this machine cannot serve', () => {
  it('are skipped with their reason, and the others stay', async () => {
    const { planned: fitting } = await fitPlans(planned, refuse('ipvs'));
    assert.deepEqual(cellsOf(fitting), ['iptables', 'nftables']);
    assert.deepEqual(fitting.skipped, [
      ...planned.skipped,
      { scenario: 'example', cell: 'proxyMode=ipvs', because: 'no ipvs' },
    ]);
  });

  it('are the same for a process that cannot ask again', async () => {
    const { planned: fitting, unfit } = await fitPlans(planned, refuse('iptables', 'nftables'));
    const told = JSON.parse(JSON.stringify(unfit)) as typeof unfit;
    assert.deepEqual(withoutUnfit(planned, told), fitting);
    assert.deepEqual(withoutUnfit(planned, {}), planned);
  });

  it('are an error where nothing is left: the reason itself for one, every reason for many', async () => {
    const one = { plans: planned.plans.slice(1, 2), skipped: [] };
    await assert.rejects(
      fitPlans(one, refuse('ipvs')),
      (error) => hasCode(error, 'preflight') && error.message === 'no ipvs',
    );
    await assert.rejects(
      fitPlans(planned, refuse('iptables', 'ipvs', 'nftables')),
      (error) =>
        hasCode(error, 'preflight') &&
        error.wayOut === WAY_OUT &&
        /proxyMode=none: excluded; .*iptables: no iptables; .*ipvs: no ipvs/.test(error.message),
    );
  });

  it('are no reason to hide another error', async () => {
    const broken = (): Promise<void> => Promise.reject(new TypeError('wrong code'));
    await assert.rejects(fitPlans(planned, broken), TypeError);
  });
});
