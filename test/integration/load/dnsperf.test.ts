/** The real dnsperf behind our lines, against a real DNS server on loopback. */
import assert from 'node:assert/strict';
import { dnsResponder, type DnsResponder } from '../../support/dns-responder.ts';
import { endOf, startGenerator, sumOf } from '../../support/load-program.ts';
import { findProgram } from '../../support/programs.ts';
import { skipOrFail } from '../../support/real.ts';

const TIMEOUT_MS = 800;

describe('dnsperf', function () {
  this.timeout(60_000);
  let server: DnsResponder | undefined;
  before(function () {
    if (findProgram('dnsperf') === undefined) skipOrFail(this, 'no dnsperf on PATH');
  });
  afterEach(async () => {
    await server?.close();
  });

  it('counts planted losses and rcodes, a timeout as its length at least', async () => {
    const planted = { lost: 0, servfail: 0 };
    const warmUp = (nth: number) => nth === 0;
    server = await dnsResponder(({ name, type, nth }) => {
      if (warmUp(nth)) return {};
      if (name === 'lossy.test' && nth % 4 === 0) {
        planted.lost += 1;
        return 'drop';
      }
      if (name === 'bad.test' && type === 'AAAA') {
        planted.servfail += 1;
        return { rcode: 'SERVFAIL' };
      }
      return {};
    });
    const run = startGenerator([
      ...['dnsperf', '--server', `127.0.0.1:${server.port}`, '--names', 'bad.test,lossy.test'],
      ...['--rate', '60', '--timeout-ms', String(TIMEOUT_MS)],
    ]);
    await run.line('three timeouts', () => sumOf(run.lines).timeouts >= 3);
    run.process.kill('SIGTERM');
    assert.equal(await run.exit(), 0);

    const sum = sumOf(run.lines);
    const unfinished = endOf(run.lines)?.unfinished ?? 0;
    // What was in flight when dnsperf was stopped is in no interval, and said to be so.
    assert.equal(sum.sent + unfinished, server.asked.length - 1);
    assert.ok(sum.timeouts <= planted.lost && planted.lost - sum.timeouts <= unfinished);
    const servfail = sum.errors['SERVFAIL'] ?? 0;
    assert.ok(servfail <= planted.servfail && planted.servfail - servfail <= unfinished);
    assert.deepEqual(Object.keys(sum.errors), ['SERVFAIL']);
    assert.equal(sum.latenciesMs.filter((ms) => ms >= TIMEOUT_MS).length, sum.timeouts);
  });

  it('says so where dnsperf dies or is not there', async () => {
    server = await dnsResponder(() => ({}));
    const run = startGenerator([
      ...['dnsperf', '--server', `127.0.0.1:${server.port}`, '--names', 'a.test'],
      ...['--rate', '10', '--program', 'no-such-dnsperf'],
    ]);
    assert.equal(await run.exit(), 1);
    assert.match(endOf(run.lines)?.ended ?? '', /could not be started/);
  });
});
