/**
 * Starts every load of the plan as a pod and reads what it prints from the pod's log file on the node, through the agent:
 * one stream less to lose, and it goes on where it was when a frozen node runs again.
 */
import { waitFor } from '../core/deadline.ts';
import { CoalmineError } from '../core/errors.ts';
import type { KubeObject } from '../core/kube.ts';
import { NAMESPACE } from '../core/names.ts';
import type { RunningCommand } from '../core/node.ts';
import type { Unwind } from '../core/unwind.ts';
import { loadEvent } from '../load/events.ts';
import { LOADS } from '../load/index.ts';
import { parseLoadLine } from '../load/lines.ts';
import { podLogReader } from '../load/pod-log.ts';
import { LOAD_CONTAINER } from '../load/pod.ts';
import type { ManagedNode, Stage } from './context.ts';
import { selectNodes } from './nodes.ts';

const READY_MS = 90_000;
/** A k6 script or a held connection needs its own timeout to end; then the last lines are read. */
const END_MS = 45_000;
const TALK_LINES_MAX = 20;

export interface Loads {
  /** Resolves once every load has had a first success; throws `deadline` or, where one has ended, `inject`, with what the silent ones printed. */
  readonly ready: () => Promise<void>;
  /** Ends every load, waits for its last line, removes the pods. Idempotent. */
  readonly stop: () => Promise<void>;
}

interface Running {
  readonly id: string;
  readonly pod: KubeObject;
  /** `spoke`: it ran, and so it will say that it ends. */
  readonly state: { spoke: boolean; ready: boolean; ended: boolean; talk: string[] };
  readonly tail: RunningCommand;
}

/** Each pod's removal is pushed to `unwind` before the pod is made. */
export async function startLoads(stage: Stage, unwind: Unwind): Promise<Loads> {
  const running: Running[] = [];
  const loads: Loads = {
    ready: () => untilReady(stage, running),
    stop: () => stopAll(stage, running),
  };
  unwind.push('loads', loads.stop);
  for (const use of stage.plan.load) {
    const load = LOADS.find(({ name }) => name === use.name);
    if (load === undefined) throw new CoalmineError('usage', `there is no load named ${use.name}`);
    const targets = selectNodes(
      stage.nodes.map(({ node }) => node),
      use.from,
    );
    if (targets.length === 0) {
      throw new CoalmineError(
        'inject',
        `load ${use.id}: no node of this cluster is \`${use.from}\``,
      );
    }
    for (const [index, managed] of stage.nodes
      .filter(({ node }) => targets.includes(node))
      .entries()) {
      const target = {
        runId: stage.plan.runId,
        // Always with a number: load `a` on two nodes must not meet a load named `a-1`.
        id: `${use.id}-${index + 1}`,
        node: managed.node.name,
        namespace: NAMESPACE,
        image: stage.cluster.loadImage,
      };
      const pod = await stage.cluster.kube.apply(load.pod(load.params.parse(use.params), target));
      try {
        running.push(await follow(stage, managed, pod, { id: use.id, type: load.type }));
      } catch (error) {
        await stage.cluster.kube.delete(refOf(pod)).catch(() => undefined); // the cause matters more
        throw error;
      }
    }
  }
  return loads;
}

async function follow(
  { emit }: Stage,
  { node, agent }: ManagedNode,
  pod: KubeObject,
  { id, type }: { id: string; type: 'dns' | 'http' | 'flow' },
): Promise<Running> {
  const { namespace = NAMESPACE, name, uid = '' } = pod.metadata;
  const file = `/var/log/pods/${namespace}_${name}_${uid}/${LOAD_CONTAINER}/0.log`;
  const read = podLogReader();
  const state = { spoke: false, ready: false, ended: false, talk: [] as string[] };
  const tail = await agent.start({ argv: ['tail', '-n', '+1', '-F', file] }, (line, stream) => {
    if (stream === 'stderr') return;
    const text = read(line)?.text;
    if (text === undefined) return;
    const parsed = parseLoadLine(text);
    if (parsed === undefined) {
      if (state.talk.push(text) > TALK_LINES_MAX) state.talk.shift();
      return;
    }
    state.spoke = true;
    state.ready ||= 'ready' in parsed;
    if ('ended' in parsed) {
      state.ended = true;
      state.talk.push(`ended: ${parsed.ended}`);
    }
    emit.at(
      loadEvent(parsed, {
        load: id,
        type,
        node: node.name,
        wallToRunMs: (wallMs) => agent.wallToRunMs(wallMs),
      }),
    );
  });
  // Of a load whose node was switched off, nobody hands on a last line.
  void tail.ended.then(() => {
    state.ended = true;
  });
  return { id, pod, state, tail };
}

async function untilReady({ say, signal }: Stage, running: readonly Running[]): Promise<void> {
  if (running.length > 0) say(`starting ${running.length} loads`);
  const silent = () => running.filter(({ state }) => !state.ready);
  const said = () =>
    silent()
      .map(({ id, state }) => `${id} said: ${state.talk.join(' | ') || 'nothing'}`)
      .join('; ');
  // A load that has ended will never be ready: whoever waits on is waiting for nothing.
  const isDecided = () => silent().length === 0 || silent().some(isDead);
  try {
    await waitFor({ what: 'every load to have a first success', timeoutMs: READY_MS, signal }, () =>
      Promise.resolve(isDecided() ? true : undefined),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw new CoalmineError('deadline', `loads that did not become ready: ${said()}`, {
      cause: error,
    });
  }
  const dead = silent().filter(isDead);
  if (dead.length === 0) return;
  const ids = dead.map(({ id }) => id).join(', ');
  throw new CoalmineError('inject', `ended before it was ready: load ${ids}; ${said()}`);
}

function isDead({ state }: Running): boolean {
  return state.ended && !state.ready;
}

async function stopAll({ cluster }: Stage, running: Running[]): Promise<void> {
  const all = running.splice(0);
  await Promise.allSettled(all.map(({ pod }) => cluster.kube.delete(refOf(pod))));
  await waitFor({ what: 'the loads to end', timeoutMs: END_MS }, () =>
    Promise.resolve(all.every(({ state }) => state.ended || !state.spoke) ? true : undefined),
  ).catch(() => undefined); // a load without its last line is seen by the checkers: its intervals end early
  await Promise.allSettled(all.map(({ tail }) => tail.kill('SIGTERM')));
}

function refOf({ apiVersion, kind, metadata: { name, namespace } }: KubeObject) {
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}
