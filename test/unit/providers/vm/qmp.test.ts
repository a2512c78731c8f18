/** Against a peer on a real socket that says what it is told to: QEMU, and what is none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasCode } from '../../../../harness/core/errors.ts';
import { MONITOR_DEEDS } from '../../../../harness/providers/vm/monitor-verbs.ts';
import { connectQmp, nextEvent } from '../../../../harness/providers/vm/qmp.ts';

interface Request {
  execute: string;
  id: number;
  arguments?: Record<string, unknown>;
}

const GREETING = {
  QMP: { version: { qemu: { major: 10, minor: 0, micro: 2 } }, capabilities: [] },
};

describe('vm/qmp', () => {
  let folder: string;
  let server: Server;
  let asked: Request[];
  /** Answers a request; what it returns is sent as it is. */
  let answer: (request: Request, peer: Socket) => unknown;
  let greeting: string;
  const file = (): string => path.join(folder, 'qmp.sock');

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-qmp-'));
    asked = [];
    greeting = JSON.stringify(GREETING);
    answer = ({ id }) => ({ return: {}, id });
    server = createServer((peer) => {
      peer.on('error', () => undefined);
      peer.write(`${greeting}\r\n`);
      let rest = '';
      peer.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const request = JSON.parse(line) as Request;
          asked.push(request);
          const said =
            request.execute === 'qmp_capabilities'
              ? { return: {}, id: request.id }
              : answer(request, peer);
          if (said !== undefined)
            peer.write(`${typeof said === 'string' ? said : JSON.stringify(said)}\r\n`);
        }
      });
    });
    server.listen(file());
    await once(server, 'listening');
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const open = () => connectQmp(file(), 'w1', 500);

  it('leaves the negotiation before anything else, and matches answers by id', async () => {
    const held: (() => void)[] = [];
    answer = ({ id, execute }, peer) => {
      held.push(() => peer.write(`${JSON.stringify({ return: execute, id })}\n`));
      if (held.length === 2) for (const say of held.reverse()) say();
      return undefined;
    };
    const qmp = await open();
    assert.deepEqual(await Promise.all([qmp.execute('a'), qmp.execute('b')]), ['a', 'b']);
    assert.deepEqual(
      asked.map(({ execute }) => execute),
      ['qmp_capabilities', 'a', 'b'],
    );
    qmp.close();
  });

  it('makes an error of a refusal, and goes on', async () => {
    const qmp = await open();
    answer = ({ id }) => ({ error: { class: 'GenericError', desc: 'no such device' }, id });
    await assert.rejects(
      qmp.execute('device_del', { id: 'x' }),
      (error) => hasCode(error, 'command') && /w1.*no such device/.test(error.message),
    );
    answer = ({ id }) => ({ return: 1, id });
    assert.equal(await qmp.execute('again'), 1);
    qmp.close();
  });

  it('gives up on a QEMU that does not answer, and on one that does not greet', async () => {
    const qmp = await open();
    answer = () => undefined;
    await assert.rejects(qmp.execute('stop', undefined, 50), (error) => hasCode(error, 'deadline'));
    qmp.close();
    greeting = '';
    await assert.rejects(connectQmp(file(), 'w1', 50), (error) => hasCode(error, 'deadline'));
  });

  it('fails what waits, and what comes later, when QEMU goes', async () => {
    const qmp = await open();
    answer = (_, peer) => void peer.destroy();
    const waits = nextEvent(qmp, () => true, { what: 'an event', timeoutMs: 5_000 });
    const gone = (error: unknown) => hasCode(error, 'command') && error.message.includes('gone');
    await Promise.all([assert.rejects(qmp.execute('quit'), gone), assert.rejects(waits, gone)]);
    await assert.rejects(qmp.execute('stop'), gone);
    await qmp.closed;
  });

  it('says what came in place of a message', async () => {
    for (const nonsense of [
      '{"return": {}',
      '[]',
      '{"return": {}}',
      '{"event": 3}',
      '\u0000\u0001',
    ]) {
      const qmp = await open();
      answer = () => nonsense;
      await assert.rejects(
        qmp.execute('x'),
        (error) => hasCode(error, 'command') && error.message.includes('no message'),
        nonsense,
      );
    }
    greeting = 'SSH-2.0-OpenSSH_9.2';
    await assert.rejects(open(), (error) => hasCode(error, 'command'));
  });

  it('cannot be opened where nobody listens', async () => {
    await assert.rejects(connectQmp(path.join(folder, 'none'), 'w1'), (error) =>
      hasCode(error, 'command'),
    );
  });

  it('waits for the very device to have left, not for a part of it, nor for another', async () => {
    const qmp = await open();
    const said: string[] = [];
    answer = ({ id, execute }, peer) => {
      said.push(execute);
      if (execute === 'qom-list')
        return { return: [{ name: 'nic1', type: 'child<virtio-net-pci>' }], id };
      for (const data of [{ path: '/machine/peripheral/nic1/virtio-backend' }, { device: 'nic2' }])
        peer.write(`${JSON.stringify({ event: 'DEVICE_DELETED', data })}\n`);
      setTimeout(() => {
        said.push('gone');
        peer.write(`${JSON.stringify({ event: 'DEVICE_DELETED', data: { device: 'nic1' } })}\n`);
      }, 30);
      return { return: {}, id };
    };
    await MONITOR_DEEDS.detach(qmp, 'nic1');
    assert.deepEqual(said, ['qom-list', 'device_del', 'gone']);
    qmp.close();
  });

  it('detaches and attaches nothing twice', async () => {
    const qmp = await open();
    answer = ({ id }) => ({ return: [{ name: 'nic1' }], id });
    await MONITOR_DEEDS.attach(qmp, JSON.stringify({ id: 'nic1' }));
    await MONITOR_DEEDS.detach(qmp, 'nic2');
    assert.deepEqual(
      asked.map(({ execute }) => execute),
      ['qmp_capabilities', 'qom-list', 'qom-list'],
    );
    qmp.close();
  });
});
