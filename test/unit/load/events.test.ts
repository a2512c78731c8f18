import assert from 'node:assert/strict';
import { eventSchema } from '../../../harness/core/history.ts';
import { loadEvent, type LoadOrigin } from '../../../harness/load/events.ts';
import type { LoadLine } from '../../../harness/load/lines.ts';

const origin: LoadOrigin = {
  ...{ load: 'dns', type: 'dns', node: 'w1' },
  wallToRunMs: (wallMs) => wallMs - 1_000,
};
const interval: LoadLine = {
  ...{ fromWallMs: 1_500, toWallMs: 2_500, sent: 2, ok: 1, timeouts: 0 },
  ...{ errors: { SERVFAIL: 1 }, latenciesMs: [0.3, 1] },
};

describe('load events', () => {
  it('are events of the history, on the run clock', () => {
    const ready = loadEvent({ ready: true, atWallMs: 1_400, load: 'dns-pairs' }, origin);
    assert.deepEqual(ready, { kind: 'load-ready', tMs: 400, load: 'dns', node: 'w1' });

    const flows = { alive: 1, dead: 0, reopened: 0 };
    const load = loadEvent({ ...interval, stallMs: 300, skipped: 2, flows }, origin);
    assert.deepEqual(load, {
      ...{ kind: 'load', tMs: 1_500, load: 'dns', type: 'dns', node: 'w1' },
      ...{ fromMs: 500, toMs: 1_500, sent: 2, ok: 1, timeouts: 0, errors: { SERVFAIL: 1 } },
      ...{ latenciesMs: [0.3, 1], stallMs: 300, skipped: 2, flows },
    });
    const ended = loadEvent({ ended: 'stopped', atWallMs: 3_000, unfinished: 3 }, origin);
    assert.deepEqual(ended, {
      ...{ kind: 'load-ended', tMs: 2_000, load: 'dns', node: 'w1' },
      detail: 'stopped; 3 unfinished',
    });
    for (const event of [ready, load, ended, loadEvent(interval, origin)])
      assert.deepEqual(eventSchema.parse(event), event);
  });
});
