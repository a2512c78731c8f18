/** Our k6 scripts in the real k6 against a real HTTP server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { PINS } from '../../../harness/components/plan-components.ts';
import { k6Argv, K6_ENV } from '../../../harness/load/http/k6-argv.ts';
import { endOf, intervalsOf, startLoadProgram, sumOf } from '../../support/load-program.ts';
import { findComponent } from '../../support/components.ts';
import { skipOrFail } from '../../support/real.ts';

const SCRIPTS = path.resolve(import.meta.dirname, '../../../harness/load/http/k6');
const TIMEOUT_MS = 1_000;
const USERS = 2;

describe('k6', function () {
  this.timeout(60_000);
  let program: string;
  let server: Server;
  let seen: { connections: number; requests: number };
  /** Given the number of the request, 0 being k6's first, which is not counted. */
  let answer: (nth: number, response: ServerResponse) => void;

  before(async function () {
    this.timeout(600_000); // in CI the store may have to make it
    program =
      (await findComponent({ component: 'k6', version: PINS.k6 })) ??
      skipOrFail(this, 'k6 is not cached; run `coalmine setup`');
  });
  beforeEach(async () => {
    seen = { connections: 0, requests: 0 };
    answer = (_nth, response) => response.end('hello');
    server = createServer((_request, response) => {
      answer(seen.requests, response);
      seen.requests += 1;
    });
    server.keepAliveTimeout = 60_000;
    server.on('connection', () => (seen.connections += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const start = (mode: string, durationMs?: number) => {
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    const options = { url, rate: 40, users: USERS, timeoutMs: TIMEOUT_MS };
    const argv = k6Argv(program, path.join(SCRIPTS, `${mode}.ts`), {
      ...options,
      ...(durationMs === undefined ? {} : { durationMs }),
    });
    return startLoadProgram(argv, K6_ENV);
  };

  it('makes a new connection for each request, and counts what the server counts', async () => {
    const run = start('new-connection', 2_500);
    assert.equal(await run.exit(), 0);
    const { sent, ok, latenciesMs } = sumOf(run.lines);
    assert.ok(sent > 40);
    assert.deepEqual([sent, ok, latenciesMs.length], Array(3).fill(seen.requests - 1));
    assert.equal(seen.connections, seen.requests);
    assert.ok(run.lines[0] && 'ready' in run.lines[0]);
    assert.equal(endOf(run.lines)?.ended, 'stopped');
    assert.deepEqual(run.talk, []);
  });

  it('keeps one connection for each user', async () => {
    const run = start('keep-alive', 2_500);
    assert.equal(await run.exit(), 0);
    assert.equal(sumOf(run.lines).ok, seen.requests - 1);
    assert.equal(seen.connections, USERS + 1);
  });

  it('tells timeouts, resets and statuses apart', async () => {
    const planted = { timeout: 0, reset: 0, status: 0 };
    answer = (nth, response) => {
      if (nth > 0 && nth % 40 === 0) planted.timeout += 1;
      else if (nth % 7 === 3) {
        planted.reset += 1;
        response.socket?.resetAndDestroy();
      } else if (nth % 7 === 5) {
        planted.status += 1;
        response.writeHead(503).end();
      } else response.end();
    };
    const run = start('new-connection', 3_500);
    assert.equal(await run.exit(), 0);
    const sum = sumOf(run.lines);
    assert.ok(planted.timeout > 0);
    assert.deepEqual(
      { timeout: sum.timeouts, errors: sum.errors, sent: sum.sent },
      {
        timeout: planted.timeout,
        errors: { reset: planted.reset, 'status-503': planted.status },
        sent: seen.requests - 1,
      },
    );
    assert.equal(sum.latenciesMs.filter((ms) => ms >= TIMEOUT_MS).length, planted.timeout);
  });

  it('names refused connections, and ends with its last line on SIGTERM', async () => {
    const run = start('new-connection');
    await run.ready();
    server.closeAllConnections();
    server.close();
    await run.line('a refusal', (line) => 'sent' in line && (line.errors['refused'] ?? 0) > 0);
    run.process.kill('SIGTERM');
    await run.exit();
    assert.equal(endOf(run.lines)?.ended, 'stopped');
    assert.ok(intervalsOf(run.lines).every((line) => line.toWallMs >= line.fromWallMs));
  });
});
