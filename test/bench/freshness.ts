/**
 * How exactly the oracle dates a stale entry: 200 of them, planted and taken away at known times in the real iptables of
 * a network namespace, read through the real agent. Half are endpoints that the API takes away while the rule stays,
 * half are rules that nobody asked for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startRunClock, type RunClock } from '../../harness/core/clock.ts';
import type { HistoryEvent } from '../../harness/core/history.ts';
import type { KubeApi, KubeObject, KubeWatchEvent } from '../../harness/core/kube.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { local, startLocal } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { startOracle } from '../../harness/observe/freshness/oracle.ts';
import { startAgentInside } from '../support/agent-inside.ts';
import { dice } from '../support/random-rules.ts';
import { service, slice } from '../support/rule-cases.ts';
import type { Ratio } from './ratio.ts';

const ENTRIES = 200;
const PERIOD_MS = 200;
const SPAN_MS = 25_000;
const VIP = '10.96.0.9';

interface Planted {
  endpoint: string;
  sinceMs: number;
  untilMs: number;
}

interface Step {
  atMs: number;
  act: () => Promise<void>;
}

/** Returns the 99th percentile of the error of an entry's age, in sample periods. */
export async function freshnessResolution(): Promise<Ratio[]> {
  const holder = startLocal({
    argv: ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', 'cat'],
  });
  const enter = ['nsenter', `--net=/proc/${holder.pid}/ns/net`] as const;
  const clock = startRunClock();
  try {
    await waitFor({ what: 'a network namespace', timeoutMs: 5_000, everyMs: 20 }, async () => {
      const own = await namespaceOf('self');
      return (await namespaceOf(String(holder.pid))) === own ? undefined : true;
    });
    const inside = await startAgentInside('n1', clock, [...enter]);
    try {
      const errors = await measure(clock, inside.agent, (text) => restore(enter, text));
      errors.sort((a, b) => a - b);
      const p99 = errors[Math.ceil(errors.length * 0.99) - 1] ?? Infinity;
      return [
        {
          name: 'rule freshness, error of an age',
          value: p99,
          goal: { atMost: 1.1 },
          unit: `sample periods of ${PERIOD_MS} ms, p99 of ${ENTRIES} planted stale entries`,
        },
      ];
    } finally {
      await inside.stop();
    }
  } finally {
    holder.kill('SIGKILL');
    await holder.ended;
  }
}

async function measure(
  clock: RunClock,
  agent: Parameters<typeof startOracle>[0]['agents'][number]['agent'],
  restoreRules: (text: string) => Promise<void>,
): Promise<number[]> {
  const api = oneServiceApi(clock);
  const events: HistoryEvent[] = [];
  await restoreRules(startingRules());
  const oracle = await startOracle({
    kube: api.kube,
    agents: [{ node: 'n1', agent }],
    proxyMode: 'iptables',
    everyMs: PERIOD_MS,
    clock,
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
  });
  await oracle.ready();
  const planted: Planted[] = [];
  await carryOut(clock, stepsOf(clock, api.take, restoreRules, planted));
  const episodes = (): number => events.filter(({ kind }) => kind === 'rule-episode').length;
  const seen = { what: 'the last readings', timeoutMs: 10 * PERIOD_MS, everyMs: PERIOD_MS };
  // What is not seen by then counts as infinitely wrong.
  await waitFor(seen, () => Promise.resolve(episodes() >= ENTRIES ? true : undefined)).catch(
    () => undefined,
  );
  await oracle.stop();
  return planted.map((one) => errorOf(one, events));
}

/** One rule or API change after the other at random times; each entry lasts between half a second and three. */
function stepsOf(
  clock: RunClock,
  takeFromApi: (endpoint: string) => number,
  restoreRules: (text: string) => Promise<void>,
  planted: Planted[],
): Step[] {
  const roll = dice(7);
  const timed = async (text: string): Promise<number> => {
    const beforeMs = clock.nowMs();
    await restoreRules(text);
    return (beforeMs + clock.nowMs()) / 2;
  };
  return Array.from({ length: ENTRIES }, (_, index): Step[] => {
    const isForeign = index % 2 === 1;
    const entry: Planted = { endpoint: endpointOf(index), sinceMs: 0, untilMs: Infinity };
    planted.push(entry);
    const fromMs = roll(SPAN_MS);
    const plant = async (): Promise<void> => {
      entry.sinceMs = isForeign
        ? await timed(rules(`-I KUBE-SVC-BENCH 1 -j ${chainOf(index)}`))
        : takeFromApi(entry.endpoint);
    };
    const remove = async (): Promise<void> => {
      entry.untilMs = await timed(rules(`-D KUBE-SVC-BENCH -j ${chainOf(index)}`));
    };
    return [
      { atMs: fromMs, act: plant },
      { atMs: fromMs + 500 + roll(2_500), act: remove },
    ];
  })
    .flat()
    .sort((a, b) => a.atMs - b.atMs);
}

async function carryOut(clock: RunClock, steps: readonly Step[]): Promise<void> {
  const startMs = clock.nowMs();
  for (const { atMs, act } of steps) {
    await delay(Math.max(0, startMs + atMs - clock.nowMs()));
    await act();
  }
}

/** An entry that the oracle did not see is infinitely wrong. */
function errorOf({ endpoint, sinceMs, untilMs }: Planted, events: readonly HistoryEvent[]): number {
  for (const event of events) {
    if (event.kind !== 'rule-episode' || event.endpoint !== endpoint) continue;
    const age = (event.untilMs ?? Infinity) - event.sinceMs;
    return Math.abs(age - (untilMs - sinceMs)) / PERIOD_MS;
  }
  return Infinity;
}

function endpointOf(index: number): string {
  return `10.244.9.${index + 1}:8080`;
}

function chainOf(index: number): string {
  return `KUBE-SEP-BENCH${String(index).padStart(4, '0')}`;
}

function rules(...lines: string[]): string {
  return ['*nat', ...lines, 'COMMIT', ''].join('\n');
}

/** As kube-proxy would have it: one Service; the even entries are wanted at first, the odd ones are not there. */
function startingRules(): string {
  const all = Array.from({ length: ENTRIES }, (_, index) => index);
  return rules(
    ':KUBE-SERVICES - [0:0]',
    ':KUBE-SVC-BENCH - [0:0]',
    ...all.map((index) => `:${chainOf(index)} - [0:0]`),
    '-A PREROUTING -j KUBE-SERVICES',
    '-A OUTPUT -j KUBE-SERVICES',
    `-A KUBE-SERVICES -d ${VIP}/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-BENCH`,
    ...all
      .filter((index) => index % 2 === 0)
      .map((index) => `-A KUBE-SVC-BENCH -j ${chainOf(index)}`),
    ...all.map(
      (index) => `-A ${chainOf(index)} -p tcp -j DNAT --to-destination ${endpointOf(index)}`,
    ),
  );
}

/** An API with one Service, from whose slice endpoints are taken. */
function oneServiceApi(clock: RunClock) {
  let addresses = Array.from({ length: ENTRIES / 2 }, (_, index) => `10.244.9.${2 * index + 1}`);
  const current = (): KubeObject =>
    slice(
      'bench',
      1,
      addresses.map((address) => ({ addresses: [address] })),
    );
  const listeners: ((event: KubeWatchEvent) => void)[] = [];
  const never = (): Promise<never> => Promise.reject(new Error('not part of this API'));
  const kube: KubeApi = {
    get: never,
    list: never,
    apply: never,
    patch: never,
    delete: never,
    watch: ({ kind }, onEvent) => {
      const objects = [service('bench', { clusterIP: VIP }), current()];
      for (const object of objects.filter((one) => one.kind === kind))
        onEvent({ type: 'ADDED', object, tMs: clock.nowMs() });
      if (kind === 'EndpointSlice') listeners.push(onEvent);
      return Promise.resolve();
    },
  };
  const take = (endpoint: string): number => {
    addresses = addresses.filter((address) => `${address}:8080` !== endpoint);
    const event: KubeWatchEvent = { type: 'MODIFIED', object: current(), tMs: clock.nowMs() };
    for (const listener of listeners) listener(event);
    return event.tMs;
  };
  return { kube, take };
}

async function restore(enter: readonly [string, string], text: string): Promise<void> {
  const argv = [...enter, 'iptables-nft-restore', '--noflush'] as const;
  await runOrThrow(local, { argv: [...argv], stdin: text }, { timeoutMs: 10_000 });
}

async function namespaceOf(pid: string): Promise<string> {
  return runOrThrow(local, { argv: ['readlink', `/proc/${pid}/ns/net`] }, { timeoutMs: 5_000 });
}
