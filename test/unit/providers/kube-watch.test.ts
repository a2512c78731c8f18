import assert from 'node:assert/strict';
import { waitFor } from '../../../harness/core/deadline.ts';
import type { KubeObject, KubeWatchEvent } from '../../../harness/core/kube.ts';
import { watchKind, watchPath, type WatchDoor } from '../../../harness/providers/kube-watch.ts';

const KIND = { apiVersion: 'v1', kind: 'Pod' };

function pod(name: string, version: number, uid = name): KubeObject {
  return { ...KIND, metadata: { name, namespace: 'n', uid, resourceVersion: String(version) } };
}

/** An API server by hand: what it lists, and the connections that were opened to it. */
function server(items: KubeObject[], version: number) {
  const connections: {
    from: string;
    send(type: string, object: unknown): void;
    end(error?: unknown): void;
    aborted(): boolean;
  }[] = [];
  const state = { items, version, listFailures: 0 };
  const door: WatchDoor = {
    list: () => {
      if (state.listFailures > 0) {
        state.listFailures -= 1;
        return Promise.reject(new Error('connection refused'));
      }
      return Promise.resolve({ items: state.items, resourceVersion: String(state.version) });
    },
    open: (_path, query, onLine, onEnd) => {
      const controller = new AbortController();
      connections.push({
        from: String(query['resourceVersion']),
        send: onLine,
        end: (error) => {
          onEnd(error ?? null);
        },
        aborted: () => controller.signal.aborted,
      });
      return Promise.resolve(controller);
    },
    nowMs: () => 7,
  };
  return { door, connections, state };
}

describe('a watch', () => {
  const stops: AbortController[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0)) stop.abort();
  });

  async function start(items: KubeObject[], version: number) {
    const api = server(items, version);
    const events: KubeWatchEvent[] = [];
    const stop = new AbortController();
    stops.push(stop);
    await watchKind(api.door, KIND, (event) => events.push(event), stop.signal);
    const connection = (index: number) =>
      waitFor({ what: `connection ${index}`, timeoutMs: 5_000, everyMs: 5 }, () =>
        Promise.resolve(api.connections[index]),
      );
    const said = (): string[] =>
      events.map(({ type, object }) => `${type} ${object.metadata.name}`);
    return { ...api, events, stop, connection, said };
  }

  it('delivers the list before it resolves, then what comes', async () => {
    const { connection, said, events } = await start([pod('a', 1)], 5);
    assert.deepEqual(said(), ['ADDED a']);
    const first = await connection(0);
    assert.equal(first.from, '5');
    first.send('MODIFIED', pod('a', 6));
    first.send('DELETED', pod('a', 7));
    assert.deepEqual(said(), ['ADDED a', 'MODIFIED a', 'DELETED a']);
    assert.ok(events.every(({ tMs }) => tMs === 7));
  });

  it('resumes a closed connection from the last version that it saw, bookmarks included', async () => {
    const { connection, said } = await start([], 5);
    const first = await connection(0);
    first.send('ADDED', pod('a', 6));
    first.send('BOOKMARK', { ...KIND, metadata: { resourceVersion: '9' } });
    first.end();
    const second = await connection(1);
    assert.equal(second.from, '9');
    assert.deepEqual(said(), ['ADDED a']);
    assert.ok(first.aborted());
  });

  it('survives a connection that fails', async () => {
    const { connection } = await start([], 5);
    (await connection(0)).end(new Error('reset'));
    assert.equal((await connection(1)).from, '5');
  });

  it('lists anew where the server has forgotten, and says what vanished, changed and was replaced', async () => {
    const { connection, said, state } = await start(
      [pod('gone', 1), pod('same', 2), pod('changed', 3), pod('replaced', 4, 'old')],
      5,
    );
    state.items = [pod('same', 2), pod('changed', 8), pod('replaced', 9, 'new'), pod('new', 10)];
    state.version = 11;
    state.listFailures = 1;
    (await connection(0)).send('ERROR', { kind: 'Status', code: 410 });
    assert.equal((await connection(1)).from, '11');
    assert.deepEqual(said().slice(4), [
      'DELETED gone',
      'DELETED replaced',
      'MODIFIED changed',
      'ADDED replaced',
      'ADDED new',
    ]);
  });

  it('takes a refused connection with status 410 for the same', async () => {
    const { connection, state } = await start([], 5);
    state.version = 20;
    (await connection(0)).end(Object.assign(new Error('Gone'), { statusCode: 410 }));
    assert.equal((await connection(1)).from, '20');
  });

  it('delivers nothing more and closes its connection once it is aborted', async () => {
    const { connection, said, stop, connections } = await start([], 5);
    const first = await connection(0);
    stop.abort();
    first.send('ADDED', pod('late', 6));
    assert.deepEqual(said(), []);
    await waitFor({ what: 'the close', timeoutMs: 5_000, everyMs: 5 }, () =>
      Promise.resolve(first.aborted() ? true : undefined),
    );
    assert.equal(connections.length, 1);
  });

  it('rejects where the first list fails', async () => {
    const { door, state } = server([], 1);
    state.listFailures = 1;
    const { signal } = new AbortController();
    await assert.rejects(
      watchKind(door, KIND, () => undefined, signal),
      /refused/,
    );
  });

  it('knows the paths of kinds', () => {
    const path = (apiVersion: string, kind: string): string => watchPath({ apiVersion, kind });
    assert.equal(path('v1', 'Pod'), '/api/v1/pods');
    assert.equal(path('v1', 'Endpoints'), '/api/v1/endpoints');
    assert.equal(
      path('discovery.k8s.io/v1', 'EndpointSlice'),
      '/apis/discovery.k8s.io/v1/endpointslices',
    );
    assert.equal(
      path('networking.k8s.io/v1', 'NetworkPolicy'),
      '/apis/networking.k8s.io/v1/networkpolicies',
    );
    assert.equal(path('networking.k8s.io/v1', 'Ingress'), '/apis/networking.k8s.io/v1/ingresses');
  });
});
