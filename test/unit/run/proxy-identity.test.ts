import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { recordProxies } from '../../../harness/run/proxy-identity.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { stageOf } from '../../support/stage.ts';

const CURL_REFUSED = 7;
const SAID = 'kubernetes_build_info{git_version="v1.34.3",major="1"} 1\nnftables';

const saidIn = (events: readonly HistoryEvent[]) =>
  events.flatMap((event) => (event.kind === 'proxy' ? [`${event.version} ${event.mode}`] : []));
const node = (curl: () => string | number): FakeNode => {
  const fake = new FakeNode('w1');
  fake.programs.set('curl', curl);
  return fake;
};

describe('run/proxy-identity', () => {
  it('asks again a kube-proxy that does not answer at first', async () => {
    let asked = 0;
    const { stage, events } = stageOf([node(() => ((asked += 1) === 1 ? CURL_REFUSED : SAID))]);
    await recordProxies(stage);
    assert.equal(asked, 2);
    assert.deepEqual(saidIn(events), ['1.34.3 nftables']);
  });

  it('records that it is not known, and why, where it never does', async () => {
    const { stage, events, stop } = stageOf([
      node(() => {
        stop.abort();
        return CURL_REFUSED;
      }),
    ]);
    await recordProxies(stage);
    assert.deepEqual(saidIn(events), ['unknown unknown']);
    assert.equal(events.filter(({ kind }) => kind === 'note').length, 1);
  });
});
