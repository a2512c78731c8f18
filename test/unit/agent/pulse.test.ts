/** A machine that was suspended with its clock: found by a beat that waited for it, measured by fresh ones. */
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import type { Request } from '../../../harness/agent/protocol.ts';
import { startPulse, type ClockJump } from '../../../harness/agent/pulse.ts';

describe('agent pulse', () => {
  const EVERY_MS = 1_000;
  const TRIP_MS = 2;
  let nowMs = 0;
  let behindMs = 0;
  let wallBehindMs = 0;
  let waiting: number[] = [];
  let jumps: ClockJump[] = [];
  let pulse: ReturnType<typeof startPulse>;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setInterval'] });
    [nowMs, behindMs, wallBehindMs, waiting, jumps] = [0, 0, 0, [], []];
    const send = (request: Request): void => {
      if (request.type === 'heartbeat') waiting.push(request.seq);
    };
    const clock = { startedAt: '', nowMs: () => nowMs };
    pulse = startPulse(clock, EVERY_MS, send, (jump) => jumps.push(jump));
  });
  afterEach(() => {
    pulse.stop();
    mock.timers.reset();
  });
  const pass = (ms: number): void => {
    nowMs += ms;
    mock.timers.tick(ms);
  };
  /** The node answers all that came, in order, each after half a trip. */
  const answerAll = (): void => {
    for (let seq = waiting.shift(); seq !== undefined; seq = waiting.shift()) {
      nowMs += TRIP_MS / 2;
      const monoMs = nowMs - behindMs;
      nowMs += TRIP_MS / 2;
      pulse.receive({ type: 'heartbeat', seq, monoMs, wallMs: Date.now() - wallBehindMs });
    }
  };
  const live = (seconds: number): void => {
    for (let second = 0; second < seconds; second += 1) {
      pass(EVERY_MS);
      answerAll();
    }
  };

  it('says nothing while both clocks go on', () => {
    answerAll();
    live(20);
    assert.deepEqual(jumps, []);
  });

  it('knows a jump to the length of a trip, however long the beats had waited', () => {
    answerAll();
    live(3);
    for (let second = 0; second < 5; second += 1) pass(EVERY_MS);
    behindMs = 5_000;
    answerAll();
    live(3);
    const [jump, ...more] = jumps;
    assert.deepEqual(more, []);
    assert.ok(jump !== undefined);
    const off = Math.abs(jump.jumpMs - 5_000);
    assert.ok(off <= jump.errorMs + 0.001, `${jump.jumpMs} ± ${jump.errorMs}`);
    assert.ok(jump.errorMs < 10, `± ${jump.errorMs}`);
  });

  it('takes answers that come late for no jump', () => {
    answerAll();
    live(3);
    for (let second = 0; second < 5; second += 1) pass(EVERY_MS);
    answerAll();
    live(3);
    assert.deepEqual(jumps, []);
  });

  it('asks by how much the wall clock is behind, and forgets what it was before', async () => {
    answerAll();
    live(3);
    wallBehindMs = 3_000;
    const late = waiting;
    pass(EVERY_MS);
    const asked = pulse.askBehind();
    assert.equal(late.length, 2, 'a beat that was under way, and one of its own');
    answerAll();
    const { ms, errorMs } = await asked;
    assert.ok(Math.abs(ms - 3_000) <= errorMs + 1, `${ms} ± ${errorMs}`);
    wallBehindMs = 0;
    const again = pulse.askBehind();
    answerAll();
    assert.ok(Math.abs((await again).ms) < 50);
  });

  it('tells nobody who asks when it has stopped', async () => {
    const asked = pulse.askBehind();
    pulse.stop();
    await assert.rejects(asked, /it was let go of/);
  });
});
