import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeApi } from '../../../harness/core/kube.ts';
import { clusterOf, type ClusterParts } from '../../../harness/providers/kind/cluster.ts';
import {
  followKubeProxyLogs,
  type FollowFile,
} from '../../../harness/providers/kube-proxy-logs.ts';
import { FakeKube } from '../../support/fake-kube.ts';

describe('the logs of kube-proxy', () => {
  let logsDir: string;
  beforeEach(() => {
    logsDir = mkdtempSync(path.join(tmpdir(), 'coalmine-logs-'));
  });
  afterEach(() => {
    rmSync(logsDir, { recursive: true });
  });

  /** Follows one kube-proxy, whose file says one line; tells what still holds the process. */
  async function following() {
    const held = { watch: false, tails: 0 };
    const said: string[] = [];
    const lines: ((line: string) => void)[] = [];
    const kube = new FakeKube();
    const labels = { 'k8s-app': 'kube-proxy' };
    const proxy = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'kube-proxy-a', namespace: 'kube-system', uid: 'u1', labels },
      spec: { nodeName: 'w1' },
      status: { containerStatuses: [{ restartCount: 0, state: { running: {} } }] },
    };
    const watch: KubeApi['watch'] = (_, onChange, signal) => {
      held.watch = true;
      signal.addEventListener('abort', () => (held.watch = false));
      onChange({ type: 'ADDED', object: proxy, tMs: 0 });
      return Promise.resolve();
    };
    const followFile: FollowFile = (_node, _file, onLine) => {
      held.tails += 1;
      lines.push(onLine);
      onLine('2026-11-22T12:00:00Z stdout F hello');
      return () => (held.tails -= 1);
    };
    const api = Object.assign(kube, { watch });
    const say = (line: string) => said.push(line);
    return {
      held,
      said,
      lines,
      follower: await followKubeProxyLogs(api, followFile, logsDir, say),
    };
  }

  it('are whole when they are no longer followed, which may be said twice', async () => {
    const { held, follower } = await following();
    assert.deepEqual(held, { watch: true, tails: 1 });
    await follower.stop();
    await follower.stop();
    assert.deepEqual(held, { watch: false, tails: 0 });
    const log = readFileSync(path.join(logsDir, 'kube-proxy', 'w1.log'), 'utf8');
    assert.match(log, /Z hello\n$/);
  });

  it('say once that their disk is full', async () => {
    mkdirSync(path.join(logsDir, 'kube-proxy'));
    symlinkSync('/dev/full', path.join(logsDir, 'kube-proxy', 'w1.log'));
    const { follower, said, lines } = await following();
    await delay(600); // longer than what is gathered before it is written
    for (const onLine of lines) onLine('2026-11-22T12:00:01Z stdout F hello');
    await follower.stop();
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /w1\.log: ENOSPC/);
  });

  it('are not followed once a kind cluster’s logs are collected, so that the program can end while it stays', async () => {
    const { held, follower } = await following();
    const gone = new AbortController();
    const parts = {
      nodes: [],
      prepared: {},
      creation: { logsDir },
      follower,
      say: () => undefined,
      gone,
    };
    await clusterOf(parts as unknown as ClusterParts).collectLogs();
    assert.deepEqual(held, { watch: false, tails: 0 });
    assert.ok(gone.signal.aborted, 'it may still be waited for it to be Ready');
  });
});
