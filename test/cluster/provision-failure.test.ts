/** Clusters that never come to be: what was half made is taken away, and the reason is told. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createStore } from '../../harness/components/store.ts';
import { hasCode } from '../../harness/core/errors.ts';
import type { Plan } from '../../harness/core/plan.ts';
import type { NodeFile } from '../../harness/providers/kind/node-setup.ts';
import { createKindProvider } from '../../harness/providers/kind/provider.ts';
import type { KindSettings } from '../../harness/providers/kind/settings.ts';
import { nameOfRun, runFolder } from '../../harness/providers/run-state.ts';
import { sharedCluster, type TestCluster } from '../support/cluster.ts';

const LIMITS = { timeoutMs: 60_000 };

describe('a cluster that fails', () => {
  const store = createStore();
  let test: TestCluster;
  let logsDir = '';
  let count = 0;
  let plan: Plan;

  before(async () => {
    test = await sharedCluster();
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

  async function provision(
    settings: KindSettings,
    signal: AbortSignal,
    say: (line: string) => void = () => undefined,
    nodeFiles: readonly NodeFile[] = [],
  ): Promise<unknown> {
    const { engine, clock } = test;
    const parts = { engine, store, goFolder: store.cache.go, settings, nodeFiles };
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

  it('says why, in kind’s words, and leaves nothing when kind fails', async () => {
    plan = { ...plan, proxyMode: 'nonsense' as Plan['proxyMode'] };
    const { signal } = new AbortController();
    await assert.rejects(
      provision({ images: 'built' }, signal),
      (error) =>
        hasCode(error, 'provision') &&
        error.message.includes('nonsense') &&
        (error.wayOut ?? '').includes('kind-create.log'),
    );
    const log = await readFile(path.join(logsDir, 'kind-create.log'), 'utf8');
    assert.match(log, /nonsense/);
    assert.equal(await leftovers(), '');
  });

  it('says what failed and takes a whole cluster away when a node cannot be set up', async () => {
    const missing = path.join(logsDir, 'no-such-program');
    const { signal } = new AbortController();
    await assert.rejects(
      provision({ images: 'built' }, signal, undefined, [{ from: missing, to: 'agent.mjs' }]),
      (error) => hasCode(error, 'provision') && error.message.includes(missing),
    );
    assert.equal(await leftovers(), '');
  });
});
