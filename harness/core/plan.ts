/** A run as a value: what `coalmine plan` prints and plan.json holds. Everything a run does follows from it. */
import { z } from 'zod';

export const PROXY_MODES = ['iptables', 'nftables', 'ipvs'] as const;
export const PROVIDERS = ['kind', 'vm', 'kubeconfig'] as const;
/** Which nodes a load or a disruption is for. The canary is the first worker; `rest` is every other node. */
export const NODE_SELECTORS = ['canary', 'rest', 'worker', 'control-plane', 'all'] as const;
export type NodeSelector = (typeof NODE_SELECTORS)[number];

/**
 * A plug-in by name with its parameters as the scenario wrote them (`{ staleMax: '10s' }`), already checked once by that
 * plug-in's zod schema. Who uses them parses them again with the same schema, and gets defaults and milliseconds.
 */
const pluginSchema = z.strictObject({
  name: z.string(),
  params: z.record(z.string(), z.unknown()),
});
export type PluginUse = z.infer<typeof pluginSchema>;

const machineSchema = z.strictObject({
  cpus: z.number().int().min(1).max(8),
  memoryMiB: z.number().int().min(512).max(65_536),
  /** NICs beside the one of the cluster's own network; each can be flooded, and taken away and given back. */
  testNics: z.number().int().min(0).max(8),
  /** Queue pairs of each test NIC. */
  queues: z.number().int().min(1).max(8),
});

const phaseSchema = z.strictObject({
  name: z.string(),
  forMs: z.number(),
  /** In force before everything else of the phase, and until after it: a flood under which a NIC is taken out. */
  under: pluginSchema.optional(),
  fault: pluginSchema.optional(),
  churn: pluginSchema.optional(),
  upgrade: z
    .strictObject({ component: z.string(), to: z.string(), on: z.enum(['canary', 'rest', 'all']) })
    .optional(),
});
export type PlannedPhase = z.infer<typeof phaseSchema>;

/** The faults of a phase in the order in which they come. */
export function faultsOf({ under, fault }: PlannedPhase): PluginUse[] {
  return [under, fault].filter((one) => one !== undefined);
}

export const planSchema = z.strictObject({
  version: z.literal(1),
  /** `YYYYMMDD-HHMMSS-xxxx`: short, because it is part of every node's host name. */
  runId: z.string(),
  scenario: z.string(),
  why: z.string(),
  reads: z.array(z.string()),
  /** The matrix cell, for example `proxyMode=nftables`; empty for a scenario without a matrix. */
  cell: z.string(),
  /** Of a control: what the scenario states that these versions come out as. */
  expects: z.enum(['pass', 'fail']).optional(),
  provider: z.enum(PROVIDERS),
  nodes: z.number().int().min(1).max(10),
  proxyMode: z.enum(PROXY_MODES),
  /** Component to version: `kubernetes`, `kube-proxy`, `kernel`, `irqbalance`, … */
  components: z.record(z.string(), z.string()),
  /** Nodes must have a kernel of their own; containers share this machine's. */
  ownKernel: z.boolean().optional(),
  /** The shape of a node that is a machine; absent where the provider's own shape will do. */
  machine: machineSchema.optional(),
  sampleEveryMs: z.number(),
  rulesEveryMs: z.number(),
  /** Backends of the Services under test. */
  replicas: z.number().int(),
  load: z.array(pluginSchema.extend({ id: z.string(), from: z.enum(NODE_SELECTORS) })),
  phases: z.array(phaseSchema),
  checks: z.array(pluginSchema),
  /** What a reader of the report should know beforehand, for example an unsupported version skew. */
  notes: z.array(z.string()),
});
export type Plan = z.infer<typeof planSchema>;
