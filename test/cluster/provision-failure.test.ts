/** Clusters that never come to be: what was half made is taken away, and the reason is told. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createStore } from '../../harness/components/store.ts';
import { hasCode } from '../../harness/core/errors.ts';
import type { Plan } from '../../harness/core/plan.ts';
import { createKindProvider } from '../../harness/providers/kind/provider.ts';
import type { KindSettings } from '../../harness/providers/kind/settings.ts';
import { nameOfRun, runFolder } from '../../harness/providers/run-state.ts';
import { KUBERNETES, sharedCluster, type TestCluster } from '../support/cluster.ts';
import { makeKubeadmImage } from '../support/published-node.ts';
import { startRegistry, type Registry } from '../support/registry.ts';

const LIMITS = { timeoutMs: 60_000 };

describe('a cluster that fails', () => {
  const store = createStore();
  let test: TestCluster;
  let logsDir = '';
  let registry: Registry;
  let count = 0;
  let plan: Plan;

  before(async () => {
    test = await sharedCluster();
    registry = await startRegistry();
  });

  beforeEach(async () => {
    logsDir = await mkdtemp(path.join(tmpdir(), 'coalmine-test-logs-'));
    count += 1;
    plan = { ...test.plan, runId: `${test.plan.runId}-f${count}`, phases: [] };
  });

  afterEach(async () => {
    await rm(logsDir, { recursive: true, force: true });
    await rm(runFolder(plan.runId), { recursive: true, force: true });
  });

  after(() => {
    registry.close();
  });

  async function provision(
    settings: KindSettings,
    signal: AbortSignal,
    say: (line: string) => void = () => undefined,
  ): Promise<unknown> {
    const { engine, clock } = test;
    const parts = { engine, store, goFolder: store.cache.go, settings, nodeFiles: [] };
    const provider = createKindProvider(() => Promise.resolve(parts));
    return provider.provision({ plan, clock, logsDir, say, signal });
  }

  async function leftovers(): Promise<string> {
    const filter = ['--filter', `name=${nameOfRun(plan.runId)}`, '--format', '{{.Names}}'];
    const containers = await test.engine.docker(['ps', '--all', ...filter], LIMITS);
    const named = [...filter.slice(0, -1), '{{.Name}}'];
    return containers + (await test.engine.docker(['network', 'ls', ...named], LIMITS));
  }

  it('leaves nothing when it is interrupted halfway, and passes the interruption on', async () => {
    const interruption = new AbortController();
    const reason = new Error('interrupted by the test');
    let seen = '';
    const provisioning = provision({ images: 'built' }, interruption.signal, (line) => {
      if (!line.includes('Preparing nodes')) return;
      void leftovers().then((there) => {
        seen = there;
        interruption.abort(reason);
      });
    });
    await assert.rejects(provisioning, (error) => error === reason);
    assert.ok(
      seen.includes(nameOfRun(plan.runId)),
      'it was interrupted before it had made anything',
    );
    assert.equal(await leftovers(), '');
  });

  it('says why and leaves nothing when its nodes do not start', async () => {
    const { signal } = new AbortController();
    const context = { say: () => undefined, signal };
    const making = { store, goFolder: store.cache.go, context };
    // Holds kubeadm and nothing else: a container of it ends at once.
    const image = await makeKubeadmImage(making, KUBERNETES, logsDir);
    await registry.add(`kindest/node:v${KUBERNETES}`, image);
    await assert.rejects(
      provision({ images: 'published', registry: registry.address }, signal),
      (error) =>
        hasCode(error, 'provision') &&
        error.message.includes('kind create cluster') &&
        error.message.includes('entrypoint') &&
        (error.wayOut ?? '').includes('kind-create.log'),
    );
    assert.match(await readFile(path.join(logsDir, 'kind-create.log'), 'utf8'), /entrypoint/);
    assert.equal(await leftovers(), '');
  });
});
