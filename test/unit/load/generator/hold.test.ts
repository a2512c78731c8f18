/** Held connections and the echo behind them, as real child processes. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { endOf, intervalsOf, startGenerator, sumOf } from '../../../support/load-program.ts';

interface BreakingEcho {
  server: Server;
  port: number;
  /** In order of connection. */
  sockets: Socket[];
}

/** Echoes whole lines until a test breaks a connection. */
async function breakingEcho(): Promise<BreakingEcho> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (!socket.isPaused()) socket.write(data);
    });
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, sockets };
}

/** `resetAndDestroy` says goodbye first, and who is quick takes that for the end (net.js: it calls `destroySoon`). */
function reset(socket: Socket | undefined): void {
  (socket as unknown as { _handle: { reset(done: () => void): void } })._handle.reset(() =>
    socket?.destroy(),
  );
}

describe('hold', () => {
  let echo: BreakingEcho;
  beforeEach(async () => {
    echo = await breakingEcho();
  });
  afterEach(() => {
    for (const socket of echo.sockets) socket.destroy();
    echo.server.close();
  });
  const options = (reopen: string) => [
    ...['hold', '--host', '127.0.0.1', '--port', String(echo.port), '--count', '4'],
    ...['--every-ms', '100', '--timeout-ms', '500', '--reopen', reopen],
  ];
  const breakThree = () => {
    reset(echo.sockets[0]);
    echo.sockets[1]?.end();
    echo.sockets[2]?.pause();
  };

  it('counts each broken flow once, with its reason, and leaves it dead', async () => {
    const run = startGenerator(options('no'));
    await run.line('echoes', (line) => 'sent' in line && line.ok >= 4);
    breakThree();
    await run.line('the third death', (line) => 'sent' in line && line.flows?.dead === 3);
    const seen = run.lines.length;
    await run.line('echoes of the last', (line) => 'sent' in line && run.lines.length > seen);
    run.process.kill('SIGTERM');
    assert.equal(await run.exit(), 0);
    const sum = sumOf(run.lines);
    assert.deepEqual(sum.errors, { reset: 1, eof: 1 });
    assert.equal(sum.timeouts, 1);
    assert.ok(Math.max(...sum.latenciesMs) >= 499); // A timer of Node.js may fire a fraction of a millisecond early.
    assert.deepEqual(intervalsOf(run.lines).at(-1)?.flows, { alive: 1, dead: 3, reopened: 0 });
    assert.equal(echo.sockets.length, 4);
  });

  it('opens new flows in place of dead ones when asked, and says so', async () => {
    const run = startGenerator(options('yes'));
    await run.line('echoes', (line) => 'sent' in line && line.ok >= 4);
    breakThree();
    await run.line('new flows', (line) => 'sent' in line && line.flows?.reopened === 3);
    run.process.kill('SIGTERM');
    assert.equal(await run.exit(), 0);
    assert.deepEqual(intervalsOf(run.lines).at(-1)?.flows, { alive: 4, dead: 3, reopened: 3 });
    assert.equal(endOf(run.lines)?.total?.errors, 2);
    assert.equal(echo.sockets.length, 7);
  });

  it('waits for a server that is not there yet, and gives up in time', async () => {
    echo.server.close();
    const run = startGenerator([...options('no'), '--ready-within-ms', '300']);
    assert.equal(await run.exit(), 1);
    assert.match(endOf(run.lines)?.ended ?? '', /never ready: .*ECONNREFUSED/);
  });
});

describe('echo', () => {
  it('echoes TCP and UDP on one port, and goes on for a while after SIGTERM', async () => {
    const run = startGenerator(['echo', '--port', '0', '--linger-ms', '1500']);
    await run.ready();
    const [ready] = run.lines;
    const port = Number(
      /port (\d+)/.exec((ready && 'ready' in ready && ready.detail) || '')?.[1] ?? 0,
    );
    const tcp = connect(port, '127.0.0.1');
    tcp.write('1 1\n');
    assert.equal(String((await once(tcp, 'data'))[0]), '1 1\n');
    const udp = createSocket('udp4');
    udp.send('ping', port, '127.0.0.1');
    assert.equal(String((await once(udp, 'message'))[0]), 'ping');
    udp.close();

    run.process.kill('SIGTERM');
    tcp.write('1 2\n');
    assert.equal(String((await once(tcp, 'data'))[0]), '1 2\n');
    const late = connect(port, '127.0.0.1');
    await once(late, 'connect');
    late.destroy();
    const closed = once(tcp, 'close');
    assert.equal(await run.exit(), 0);
    await closed;
    assert.equal(endOf(run.lines)?.ended, 'stopped');
  });
});
