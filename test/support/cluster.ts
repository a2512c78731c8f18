/**
 * One real cluster for all tests of a mocha process, made when the first asks for it. On the user's Docker engine where
 * one answers; else on a private one, which needs the process to be inside (`test/integration/cluster.test.ts`).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createStore } from '../../harness/components/store.ts';
import { startRunClock, type RunClock } from '../../harness/core/clock.ts';
import type { Plan } from '../../harness/core/plan.ts';
import { local } from '../../harness/exec/local.ts';
import { enterInside, isInside } from '../../harness/providers/inside.ts';
import type { Engine } from '../../harness/providers/kind/engine.ts';
import { findEngine } from '../../harness/providers/kind/engine-find.ts';
import { startPrivateEngine } from '../../harness/providers/kind/engine-private.ts';
import { createKindProvider } from '../../harness/providers/kind/provider.ts';
import type { Cluster } from '../../harness/providers/provider.ts';
import { nameOfRun, runFolder } from '../../harness/providers/run-state.ts';

export interface TestCluster {
  readonly cluster: Cluster;
  readonly clock: RunClock;
  readonly engine: Engine;
  readonly plan: Plan;
  /** What kind calls it. */
  readonly name: string;
  readonly logsDir: string;
}

export const KUBERNETES = '1.34.3';
/** The worker's, so that every test has a cluster whose nodes differ. */
export const WORKER_KUBELET = '1.34.4';
/** The version to which tests upgrade kube-proxy; present on every node. */
export const NEXT_KUBE_PROXY = '1.34.4';

const say = (line: string): void => {
  console.warn(`      ${line}`);
};

let shared: Promise<TestCluster> | undefined;

export function sharedCluster(): Promise<TestCluster> {
  shared ??= start();
  return shared;
}

/**
 * For a root hook: takes away what there is, and the engine with it. Returns what the engine still had of the cluster,
 * which should be nothing. The cluster is taken away twice and with a frozen node, because both must work.
 */
export async function closeSharedCluster(): Promise<string[]> {
  const asked = shared;
  shared = undefined;
  if (asked === undefined) return [];
  const { cluster, engine, logsDir, plan, name } = await asked;
  const frozen = cluster.nodes.at(-1)?.freezes?.pause;
  if (frozen !== undefined) await local.run(frozen.inject, { timeoutMs: 30_000 });
  const volumes = await linesOf(engine, ['volume', 'ls', '--quiet']);
  await cluster.destroy();
  await cluster.destroy();
  const left = [
    ...(await linesOf(engine, ['ps', '--all', '--quiet', '--filter', `name=${name}`])),
    ...(await linesOf(engine, ['network', 'ls', '--quiet', '--filter', `name=${name}`])),
    // Each node had one, without a name; on the user's engine others may come and go meanwhile.
    ...(engine.kind === 'private' ? await linesOf(engine, ['volume', 'ls', '--quiet']) : []),
  ];
  if (engine.kind === 'private' && volumes.length < 2) left.push('no volume was there before');
  await engine.close();
  await rm(logsDir, { recursive: true, force: true });
  if (engine.kind === 'user') await rm(runFolder(plan.runId), { recursive: true, force: true });
  return left;
}

async function linesOf(engine: Engine, args: readonly string[]): Promise<string[]> {
  const text = await engine.docker(args, { timeoutMs: 60_000 });
  return text.split('\n').filter((line) => line !== '');
}

export function testPlan(runId: string): Plan {
  return {
    version: 1,
    runId,
    scenario: 'test',
    why: 'a test',
    reads: [],
    cell: '',
    provider: 'kind',
    nodes: 2,
    proxyMode: 'iptables',
    components: { kubernetes: KUBERNETES, kubelet: WORKER_KUBELET },
    sampleEveryMs: 1_000,
    rulesEveryMs: 1_000,
    replicas: 2,
    load: [],
    phases: [
      {
        name: 'upgrade',
        forMs: 1,
        upgrade: { component: 'kube-proxy', to: NEXT_KUBE_PROXY, on: 'canary' },
      },
    ],
    checks: [],
    notes: [],
  };
}

async function start(): Promise<TestCluster> {
  const inside = isInside() ? await enterInside() : undefined;
  const runId = inside?.runId ?? `test-${process.pid}`;
  const store = createStore();
  const { signal } = new AbortController();
  const logsDir = await mkdtemp(path.join(tmpdir(), 'coalmine-test-logs-'));
  const engine = await engineFor(store.cache.root, logsDir, signal);
  const clock = startRunClock();
  const plan = testPlan(runId);
  const settings = { images: 'built' } as const;
  const parts = { engine, store, goFolder: store.cache.go, settings, nodeFiles: [] };
  const provider = createKindProvider(() => Promise.resolve(parts));
  try {
    await provider.preflight(plan);
    const cluster = await provider.provision({ plan, clock, logsDir, say, signal });
    await cluster.ready;
    return { cluster, clock, engine, plan, logsDir, name: nameOfRun(runId) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function engineFor(cacheDir: string, logsDir: string, signal: AbortSignal): Promise<Engine> {
  if (isInside()) {
    const logFile = path.join(logsDir, 'dockerd.log');
    return startPrivateEngine({ cacheDir, logFile, say, signal });
  }
  const choice = await findEngine({ cacheDir });
  if (choice.kind === 'user') return choice.engine;
  throw new Error('no Docker engine answers: run test/integration/cluster.test.ts instead');
}
