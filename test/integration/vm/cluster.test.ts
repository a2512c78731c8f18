/** The vm provider on one real machine: what it promises, what it says when the machine dies, and what it leaves. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createStore } from '../../../harness/components/store.ts';
import { messageOf } from '../../../harness/core/errors.ts';
import { local } from '../../../harness/exec/local.ts';
import { onPath } from '../../../harness/exec/on-path.ts';
import { runOrThrow } from '../../../harness/exec/run-or-throw.ts';
import { demandQemu } from '../../../harness/providers/vm/accel.ts';
import { prepareVm } from '../../../harness/providers/vm/prepare.ts';
import { vmParts } from '../../../harness/run/ahead-vm.ts';
import type { ClusterReport } from '../../support/cluster-room.ts';
import { planOf } from '../../support/history.ts';
import { inNamespaces } from '../../support/in-namespaces.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';

const ROOM = path.resolve(import.meta.dirname, '../../support/cluster-room.ts');

describe('the vm provider', function () {
  let report: ClusterReport;
  let logs: string | undefined;

  before(async function () {
    if (!isRoot() || (await onPath('unshare')) === undefined)
      skipOrFail(this, 'needs root and unshare');
    await demandQemu().catch((error: unknown) => skipOrFail(this, messageOf(error)));
    const store = createStore({ offline: process.env['CI'] !== 'true' });
    const context = { say: () => undefined, signal: new AbortController().signal };
    // While there is a network: inside is none.
    await prepareVm(await vmParts(store), { plan: planOf({ provider: 'vm' }), ...context }).catch(
      (error: unknown) => skipOrFail(this, messageOf(error)),
    );
    logs = mkdtempSync(path.join(tmpdir(), 'coalmine-logs-'));
    const program = [process.execPath, '--import', 'tsx', ROOM, logs];
    const stdout = await runOrThrow(local, { argv: inNamespaces(program) }, { timeoutMs: 600_000 });
    report = JSON.parse(stdout) as ClusterReport;
  });
  after(() => {
    if (logs !== undefined) rmSync(logs, { recursive: true, force: true });
  });

  it('gives a Ready node with the pod range of its number, and kube-proxy in the plan’s mode', () => {
    assert.deepEqual(report.nodes, [{ name: 'worker-1', ready: 'True', podCidr: '10.244.1.0/24' }]);
    assert.equal(report.proxyMode, 'ipvs');
  });

  it('serves a Service with two backends, and its name', () => {
    assert.equal(report.answered.length, 2);
    assert.equal(report.realServers.length, 2);
    for (const server of report.realServers) assert.match(server, /10\.244\.1\.\d+:8080/);
    assert.equal(report.resolved, true);
  });

  it('sets the clock of a node', () => {
    assert.ok(report.clockErrorMs < 1_000, String(report.clockErrorMs));
  });

  it('keeps what everybody said', () => {
    const has = (name: string): string => readFileSync(path.join(logs ?? '', name), 'utf8');
    assert.match(has('worker-1/kubelet.log'), /Successfully registered node/);
    assert.match(has('worker-1/containerd.log'), /containerd/);
    assert.match(has('kube-proxy/worker-1.log'), /ipvs/i);
    assert.match(has('worker-1/coredns.log'), /CoreDNS/);
    assert.ok(existsSync(path.join(logs ?? '', 'worker-1/console.log')));
    for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
      assert.ok(existsSync(path.join(logs ?? '', 'control-plane', `${name}.log`)), name);
  });

  it('says that a machine died, and leaves nothing', () => {
    assert.match(report.broken, /QEMU of worker-1 ended by itself \(SIGKILL\)/);
    assert.deepEqual(report.left, { links: [], processes: [], secrets: false });
  });
});
