/**
 * Nothing but `kind create cluster`, as a user would run it, on the engine and with the node image that `upgrade-smoke`
 * has: from the first word of kind until both nodes are Ready. It prints one JSON line. Images are ready beforehand. What we
 * change so that a cluster comes up sooner (`quickStart`), plain kind does not have.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createStore } from '../../harness/components/store.ts';
import { monotonicMs, startRunClock } from '../../harness/core/clock.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import type { Plan } from '../../harness/core/plan.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { cleanRun } from '../../harness/providers/clean.ts';
import { enterInside, isInside, runInside } from '../../harness/providers/inside.ts';
import { createCluster, createNetwork } from '../../harness/providers/kind/create.ts';
import { destroyCluster } from '../../harness/providers/kind/destroy.ts';
import { givenRange } from '../../harness/providers/kind/early-network.ts';
import { kindNodeNames } from '../../harness/providers/kind/early-setup.ts';
import type { Engine } from '../../harness/providers/kind/engine.ts';
import { findEngine } from '../../harness/providers/kind/engine-find.ts';
import { startPrivateEngine } from '../../harness/providers/kind/engine-private.ts';
import { kindNode } from '../../harness/providers/kind/node.ts';
import { putConflist } from '../../harness/providers/kind/node-setup.ts';
import { prepare } from '../../harness/providers/kind/prepare.ts';
import { creationOf } from '../../harness/providers/kind/provision.ts';
import { beginRun } from '../../harness/providers/run-begin.ts';
import { runFolder } from '../../harness/providers/run-state.ts';
import { makeAhead } from '../../harness/run/make-ahead.ts';
import { planFrom } from '../../harness/run/plan-from.ts';
import { newRunId } from '../../harness/run/run-id.ts';

const say = (line: string): void => {
  console.error(line);
};
const { signal } = new AbortController();

process.exitCode = isInside() ? await inner() : await outer();

function smokePlan(runId: string): Plan {
  const [plan] = planFrom({ scenario: 'upgrade-smoke', set: [], runId }).plans;
  if (plan === undefined) throw new Error('upgrade-smoke has no plan here');
  return plan;
}

async function outer(): Promise<number> {
  const runId = newRunId(new Date());
  const store = createStore();
  const cacheDir = store.cache.root;
  const plan = smokePlan(runId);
  await makeAhead([plan], store, 'built', { say, signal });
  const choice = await findEngine({ cacheDir });
  if (choice.kind === 'private')
    return runInside({ runId, cacheDir, say, onInterrupt: () => () => undefined });
  await beginRun(cacheDir, runId, choice.engine.env());
  try {
    await measure(choice.engine, plan);
  } finally {
    await cleanRun({ cacheDir, runId, own: true, say });
  }
  return 0;
}

async function inner(): Promise<number> {
  const inside = await enterInside();
  if (inside === undefined) throw new Error('this process is not inside');
  const { runId } = inside;
  const cacheDir = createStore().cache.root;
  const logFile = path.join(runFolder(runId), 'dockerd.log');
  const engine = await startPrivateEngine({ cacheDir, logFile, say, signal });
  try {
    await measure(engine, smokePlan(runId));
  } finally {
    await engine.close();
  }
  return 0;
}

async function measure(engine: Engine, plan: Plan): Promise<void> {
  const workDir = runFolder(plan.runId);
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  const logsDir = await mkdtemp(path.join(tmpdir(), 'coalmine-bench-'));
  const store = createStore({ offline: true });
  const settings = { images: 'built' } as const;
  const parts = { engine, store, goFolder: store.cache.go, settings, nodeFiles: [] };
  const context = { plan, clock: startRunClock(), logsDir, say, signal };
  const prepared = await prepare(parts, context, workDir);
  const creation = await creationOf(parts, context, prepared, { quickStart: false });
  try {
    await createNetwork(creation);
    const fromMs = monotonicMs();
    await createCluster(creation);
    await untilReady(engine, creation.name, plan.nodes);
    console.log(JSON.stringify({ createMs: monotonicMs() - fromMs }));
  } finally {
    await destroyCluster(engine, creation.name);
    await rm(logsDir, { recursive: true, force: true });
  }
}

/** The image has no network of kind's own, so the nodes get ours as kind would give it: when kubeadm is done. */
async function untilReady(engine: Engine, cluster: string, count: number): Promise<void> {
  const nodes = kindNodeNames(cluster, count).map((name) =>
    kindNode(engine, { name, role: 'worker', addresses: [] }),
  );
  const [first] = nodes;
  if (first === undefined) throw new Error('a cluster has a node');
  for (const node of nodes) await putConflist(node, await givenRange(node, first, signal), signal);
  const jsonpath = '{.items[*].status.conditions[?(@.type=="Ready")].status}';
  const kubectl = ['kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf'] as const;
  const argv = [...kubectl, 'get', 'nodes', '--output', `jsonpath=${jsonpath}`] as const;
  const limits = { what: `${count} nodes to be Ready`, timeoutMs: 180_000, everyMs: 250 };
  await waitFor(limits, async () => {
    const said = await runOrThrow(first, { argv }, { timeoutMs: 20_000 });
    return said.trim() === Array.from(nodes, () => 'True').join(' ') ? true : undefined;
  });
}
