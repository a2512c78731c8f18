/**
 * The history of a run: everything that happened, in order, as plain data. `run` writes it while it happens, `judge`
 * reads it later; the two meet nowhere else. All times are on the run clock (`core/clock.ts`).
 */
import { z } from 'zod';
import type { Plan } from './plan.ts';

const at = { tMs: z.number() };
const counts = z.record(z.string(), z.number());

export const eventSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...at,
    kind: z.literal('run'),
    state: z.enum(['started', 'ended', 'interrupted', 'crashed']),
    /** For `interrupted`. */
    signal: z.enum(['SIGINT', 'SIGTERM']).optional(),
    /** For `crashed`: the exit code that the cause has by itself; 6 where it says nothing. */
    exitCode: z.union([z.literal(2), z.literal(4), z.literal(5), z.literal(6)]).optional(),
    detail: z.string().optional(),
  }),
  z.strictObject({
    ...at,
    kind: z.literal('phase'),
    phase: z.string(),
    state: z.enum(['started', 'ended']),
  }),
  /** One line about the machine or the cluster that a reader of the report should know. */
  z.strictObject({ ...at, kind: z.literal('note'), text: z.string() }),
  z.strictObject({ ...at, kind: z.literal('node-ready'), node: z.string(), ready: z.boolean() }),
  /** The version of its kubelet, as the node told the API server. */
  z.strictObject({ ...at, kind: z.literal('kubelet'), node: z.string(), version: z.string() }),
  /** What kube-proxy itself says on :10249: `/proxyMode` and its version. */
  z.strictObject({
    ...at,
    kind: z.literal('proxy'),
    node: z.string(),
    mode: z.string(),
    version: z.string(),
  }),
  z.strictObject({
    ...at,
    kind: z.literal('fault'),
    id: z.string(),
    fault: z.string(),
    node: z.string(),
    state: z.enum(['armed', 'injected', 'undone', 'undo-failed']),
    detail: z.string().optional(),
    /**
     * For `injected`: what the node's own agent must have to show for it. A gap or a jump to the millisecond; another boot,
     * whose kernel began no earlier than so long after it.
     */
    shows: z
      .strictObject({ as: z.enum(['agent-gap', 'clock-jump', 'new-boot']), forMs: z.number() })
      .exactOptional(),
  }),
  /** The proof, or its absence, that a disruption took effect; every injected fault, upgrade and churn has one. */
  z.strictObject({
    ...at,
    kind: z.literal('felt'),
    id: z.string(),
    disruption: z.string(),
    node: z.string(),
    felt: z.boolean(),
    evidence: z.string(),
  }),
  z.strictObject({
    ...at,
    kind: z.literal('upgrade'),
    id: z.string(),
    component: z.string(),
    node: z.string(),
    from: z.string(),
    to: z.string(),
    state: z.enum(['started', 'done', 'failed']),
    detail: z.string().optional(),
  }),
  z.strictObject({
    ...at,
    kind: z.literal('churn'),
    id: z.string(),
    churn: z.string(),
    action: z.string(),
    object: z.string(),
  }),
  /** The agent's own ticks stopped for `gapMs`: a freeze as seen from inside, or a starved node. */
  z.strictObject({
    ...at,
    kind: z.literal('agent-gap'),
    node: z.string(),
    fromMs: z.number(),
    gapMs: z.number(),
    /** It is too long by so much at most, and never too short. */
    tickMs: z.number().optional(),
  }),
  /**
   * What the node's own kernel has to say about a fault that stopped its machine: for `ms` ± `errorMs`, no timer fired on any
   * of its CPUs.
   */
  z.strictObject({
    ...at,
    kind: z.literal('standstill'),
    id: z.string(),
    node: z.string(),
    ms: z.number(),
    errorMs: z.number(),
  }),
  /** The node's clock stood still for `jumpMs` ± `errorMs` against ours (negative: it went ahead): a machine that was suspended. */
  z.strictObject({
    ...at,
    kind: z.literal('clock-jump'),
    node: z.string(),
    jumpMs: z.number(),
    errorMs: z.number(),
  }),
  z.strictObject({ ...at, kind: z.literal('agent-lost'), node: z.string(), detail: z.string() }),
  /** It was lost to a fault, and answers again from the next boot of its node. */
  z.strictObject({ ...at, kind: z.literal('agent-back'), node: z.string(), detail: z.string() }),
  /** What the node's kernel says of itself whenever its agent is met: which boot it is, and when it began (± `errorMs`). */
  z.strictObject({
    ...at,
    kind: z.literal('boot'),
    node: z.string(),
    id: z.string(),
    atMs: z.number(),
    errorMs: z.number(),
  }),
  /** The controller's event loop stalled: what it timed in that window is void. */
  z.strictObject({
    ...at,
    kind: z.literal('controller-gap'),
    fromMs: z.number(),
    gapMs: z.number(),
  }),
  z.strictObject({ ...at, kind: z.literal('load-ready'), load: z.string(), node: z.string() }),
  /**
   * What one load generator did in one interval. `latenciesMs` has one entry for each request that was answered or
   * timed out (a timeout counts as at least its own length); `sent = ok + timeouts + sum(errors)`.
   */
  z.strictObject({
    ...at,
    kind: z.literal('load'),
    load: z.string(),
    type: z.enum(['dns', 'http', 'flow']),
    node: z.string(),
    fromMs: z.number(),
    toMs: z.number(),
    sent: z.number(),
    ok: z.number(),
    timeouts: z.number(),
    errors: counts,
    latenciesMs: z.array(z.number()),
    /** The longest stall of the generator itself: what it timed in this interval is its own noise. */
    stallMs: z.number().optional(),
    /** Requests that were due and not sent. */
    skipped: z.number().optional(),
    /** Held connections: how many live now, have died so far, and were opened in place of a dead one. */
    flows: z.strictObject({ alive: z.number(), dead: z.number(), reopened: z.number() }).optional(),
  }),
  z.strictObject({
    ...at,
    kind: z.literal('load-ended'),
    load: z.string(),
    node: z.string(),
    detail: z.string(),
  }),
  /** How often the rules of a node were read since the last such event, and how many entries they held. */
  z.strictObject({
    ...at,
    kind: z.literal('rules-read'),
    node: z.string(),
    reads: z.number(),
    failures: z.number(),
    everyMs: z.number(),
    entries: z.number(),
  }),
  /** A wrong entry that ended, or that was still there at the end of the run (`untilMs` null). Age = (untilMs ?? tMs) - sinceMs. */
  z.strictObject({
    ...at,
    kind: z.literal('rule-episode'),
    node: z.string(),
    /** `lingering`: it takes no new connection and has none left, but is still there (ipvs, weight 0). */
    error: z.enum(['stale', 'missing', 'lingering']),
    service: z.string(),
    port: z.string(),
    endpoint: z.string(),
    sinceMs: z.number(),
    untilMs: z.number().nullable(),
  }),
  /** An entry that became right: how long kube-proxy took, from the API server's word to the kernel's rule. */
  z.strictObject({
    ...at,
    kind: z.literal('rule-settled'),
    node: z.string(),
    change: z.enum(['added', 'removed']),
    service: z.string(),
    endpoint: z.string(),
    tookMs: z.number(),
  }),
  /** A node was compared with how it was before the run; of `missing` nothing can be said, because it could not be read. */
  z.strictObject({
    ...at,
    kind: z.literal('node-compared'),
    node: z.string(),
    compared: z.array(z.string()),
    missing: z.array(z.string()),
  }),
  /** Something that was not there before the run, or no longer as it was. */
  z.strictObject({ ...at, kind: z.literal('residue'), where: z.string(), what: z.string() }),
]);
export type HistoryEvent = z.infer<typeof eventSchema>;
export type EventOf<K extends HistoryEvent['kind']> = Extract<HistoryEvent, { kind: K }>;

/** One reading of one probe on one node: counter name to value, for example `cpu0.dropped: 3`. Complete, not a delta. */
export interface Sample {
  tMs: number;
  node: string;
  probe: string;
  values: Readonly<Record<string, number>>;
}

export interface History {
  readonly plan: Plan;
  readonly events: readonly HistoryEvent[];
  /** In order of time. */
  readonly samples: readonly Sample[];
  /** Text of the files under logs/, by path below it: `kube-proxy/w1.log`. */
  readonly logs: ReadonlyMap<string, string>;
}

export function eventsOf<K extends HistoryEvent['kind']>(history: History, kind: K): EventOf<K>[] {
  return history.events.filter((event): event is EventOf<K> => event.kind === kind);
}

export interface Window {
  fromMs: number;
  toMs: number;
}

/** Returns the time spans of a phase; a phase that never ended runs to the last event. */
export function phaseWindow(history: History, phase: string): Window | undefined {
  const own = eventsOf(history, 'phase').filter((event) => event.phase === phase);
  const started = own.find((event) => event.state === 'started');
  if (started === undefined) return undefined;
  const ended = own.find((event) => event.state === 'ended');
  return { fromMs: started.tMs, toMs: ended?.tMs ?? history.events.at(-1)?.tMs ?? started.tMs };
}
