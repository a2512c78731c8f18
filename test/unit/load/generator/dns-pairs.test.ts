/** The generator as a real child process against a real DNS server on loopback. */
import assert from 'node:assert/strict';
import { waitFor } from '../../../../harness/core/deadline.ts';
import { dnsResponder, type DnsResponder, type Reply } from '../../../support/dns-responder.ts';
import { endOf, intervalsOf, startGenerator, sumOf } from '../../../support/load-program.ts';

/** Asked first, and until it answers; the server's counts below leave it out. */
const WARM_UP = 'warm-up.test';
const TIMEOUT_MS = 800;

describe('dns-pairs', () => {
  const open: DnsResponder[] = [];
  const responder: typeof dnsResponder = async (...args) => {
    const made = await dnsResponder(...args);
    open.push(made);
    return made;
  };
  const options = (server: DnsResponder, names: string, more: readonly string[]) => [
    ...['dns-pairs', '--server', `127.0.0.1:${server.port}`, '--names', `${WARM_UP},${names}`],
    ...['--timeout-ms', String(TIMEOUT_MS), ...more],
  ];
  const afterWarmUp = (server: DnsResponder) => server.asked.slice(1);

  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
  });

  it('counts planted losses exactly, each as long as the timeout at least', async () => {
    const isLost = (each: { name: string; type: string; nth: number }) =>
      each.name === 'lossy.test' && each.type === 'AAAA' && each.nth % 3 === 0;
    const server = await responder((asked) => (isLost(asked) ? 'drop' : {}));
    const run = startGenerator(
      options(server, 'lossy.test', ['--rate', '40', '--duration-ms', '1200']),
    );
    assert.equal(await run.exit(), 0);

    const queries = afterWarmUp(server);
    const lost = queries.filter(isLost).length;
    const sum = sumOf(run.lines);
    assert.ok(lost > 3);
    assert.deepEqual(
      { sent: sum.sent, timeouts: sum.timeouts, ok: sum.ok, errors: sum.errors },
      { sent: queries.length, timeouts: lost, ok: queries.length - lost, errors: {} },
    );
    assert.equal(sum.latenciesMs.length, sum.sent);
    const longest = sum.latenciesMs.sort((a, b) => b - a).slice(0, lost);
    assert.ok(longest.every((ms) => ms >= TIMEOUT_MS));
    assert.deepEqual(endOf(run.lines)?.total, {
      ...{ sent: sum.sent, ok: sum.ok, timeouts: lost, errors: 0 },
    });
  });

  it('prints an interval each second, joined without a gap, also with nothing sent', async () => {
    const server = await responder(() => ({}));
    const run = startGenerator(options(server, 'a.test', ['--rate', '0.2']));
    await run.line('an interval with nothing sent', (line) => 'sent' in line && line.sent === 0);
    run.process.kill('SIGTERM');
    assert.equal(await run.exit(), 0);
    const intervals = intervalsOf(run.lines);
    for (const [index, line] of intervals.slice(1).entries())
      assert.equal(line.fromWallMs, intervals[index]?.toWallMs);
    assert.deepEqual(run.talk, []);
  });

  it('takes rcodes as errors and garbage as nothing', async () => {
    const servfail: Reply = { rcode: 'SERVFAIL' };
    const garbage: Reply = {
      garbage: (query) => {
        const wrongId = Buffer.from(query);
        wrongId.writeUInt16BE((query.readUInt16BE(0) + 7) & 0xffff, 0);
        wrongId[2] = 0x81;
        const otherName = Buffer.from(query);
        otherName[2] = 0x81;
        otherName[13] = (otherName[13] ?? 0) ^ 1;
        const noResponse = Buffer.from(query);
        return [wrongId, otherName, noResponse, query.subarray(0, 5), Buffer.alloc(0)];
      },
    };
    const server = await responder(({ name, type }) =>
      name === 'bad.test' && type === 'A' ? servfail : garbage,
    );
    const run = startGenerator(
      options(server, 'bad.test', ['--rate', '30', '--duration-ms', '900', '--sockets', 'fixed']),
    );
    assert.equal(await run.exit(), 0);
    const queries = afterWarmUp(server);
    const bad = queries.filter(({ name, type }) => name === 'bad.test' && type === 'A').length;
    const { sent, ok, timeouts, errors } = sumOf(run.lines);
    assert.deepEqual(
      { sent, ok, timeouts, errors },
      { sent: queries.length, ok: queries.length - bad, timeouts: 0, errors: { SERVFAIL: bad } },
    );
  });

  it('sends A and AAAA from one port, a new one for each pair, or one for all', async () => {
    for (const sockets of ['rotate', 'fixed']) {
      const server = await responder(() => ({}));
      const run = startGenerator(
        options(server, 'a.test', ['--rate', '50', '--duration-ms', '500', '--sockets', sockets]),
      );
      assert.equal(await run.exit(), 0);
      const queries = afterWarmUp(server);
      const pairs = queries.filter(({ type }) => type === 'A').length;
      assert.ok(pairs > 5);
      for (let index = 0; index < queries.length; index += 2) {
        const [a, aaaa] = [queries[index], queries[index + 1]];
        assert.deepEqual([a?.type, aaaa?.type], ['A', 'AAAA']);
        assert.equal(a?.port, aaaa?.port);
      }
      const ports = new Set(queries.map(({ port }) => port)).size;
      if (sockets === 'fixed') assert.equal(ports, 1);
      else assert.ok(ports > pairs / 2);
    }
  });

  it('waits for what is in flight after SIGTERM', async () => {
    const server = await responder(({ name }) => (name === WARM_UP ? {} : 'drop'));
    const run = startGenerator(options(server, 'void.test', ['--rate', '50']));
    await run.ready();
    await waitFor({ what: 'some queries', timeoutMs: 10_000, everyMs: 5 }, () =>
      Promise.resolve(afterWarmUp(server).length >= 20 ? true : undefined),
    );
    run.process.kill('SIGTERM');
    assert.equal(await run.exit(), 0);
    const { sent, timeouts } = sumOf(run.lines);
    const dropped = afterWarmUp(server).filter(({ name }) => name !== WARM_UP).length;
    assert.equal(sent, afterWarmUp(server).length);
    assert.equal(timeouts, dropped);
    assert.equal(endOf(run.lines)?.ended, 'stopped');
    assert.equal(endOf(run.lines)?.unfinished, 0);
  });

  it('names a refusal', async () => {
    const server = await responder(() => ({}));
    const run = startGenerator(options(server, 'a.test', ['--rate', '50']));
    await run.ready();
    await server.close();
    await run.line('a refusal', (line) => 'sent' in line && (line.errors['ECONNREFUSED'] ?? 0) > 0);
    run.process.kill('SIGTERM');
    assert.equal(await run.exit(), 0);
  });

  it('says what it stalled itself, sends no burst afterwards, and loses no answer that had come', async () => {
    const server = await responder(() => ({ delayMs: 200 }));
    const run = startGenerator(options(server, 'slow.test', ['--rate', '20']));
    await run.line('a first answer', (line) => 'sent' in line && line.ok > 0);
    run.process.kill('SIGSTOP');
    const stoppedMs = performance.now();
    await waitFor({ what: 'a stall beyond the timeout', timeoutMs: 5_000, everyMs: 20 }, () =>
      Promise.resolve(performance.now() - stoppedMs > 1.5 * TIMEOUT_MS ? true : undefined),
    );
    run.process.kill('SIGCONT');
    await run.line('the stall', (line) => 'sent' in line && (line.stallMs ?? 0) > TIMEOUT_MS);
    run.process.kill('SIGTERM');
    assert.equal(await run.exit(), 0);
    const sum = sumOf(run.lines);
    assert.equal(sum.timeouts, 0);
    assert.ok(sum.latenciesMs.some((ms) => ms > TIMEOUT_MS));
    const skipped = intervalsOf(run.lines).reduce((all, line) => all + (line.skipped ?? 0), 0);
    assert.ok(skipped > 0);
  });

  it('is never ready, and says why, where nobody answers', async () => {
    const server = await responder(() => ({ rcode: 'NXDOMAIN' }));
    const run = startGenerator(
      options(server, 'a.test', ['--rate', '1', '--ready-within-ms', '300']),
    );
    assert.equal(await run.exit(), 1);
    assert.equal(run.lines.length, 1);
    assert.match(endOf(run.lines)?.ended ?? '', /never ready: .*NXDOMAIN/);
  });
});
