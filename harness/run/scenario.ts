/**
 * A scenario as people write it: what is claimed, and how it is tried. Every key is checked here; the same schema gives
 * the JSON Schema for editors (scenario.schema.json, kept equal by a test).
 */
import { z } from 'zod';
import { durationSchema, formatDuration, positiveDurationSchema } from '../core/duration.ts';
import { NODE_SELECTORS, PROVIDERS, PROXY_MODES } from '../core/plan.ts';
import { CHURNS } from '../disrupt/churn/index.ts';
import { FAULTS } from '../disrupt/faults/index.ts';
import { UPGRADES } from '../disrupt/upgrades/index.ts';
import { CHECKERS } from '../judge/checkers/index.ts';
import { LOADS } from '../load/index.ts';
import { KUBERNETES_VERSION } from '../matrix/version.ts';
import { unknownNames } from './scenario-names.ts';
import { manyPlugins, onePlugin, type Plugin } from './plugin-schema.ts';

/** An agent reads no more often. */
const PERIOD_MIN_MS = 10;
const periodSchema = durationSchema.refine((ms) => ms >= PERIOD_MIN_MS, {
  error: `it must be at least ${formatDuration(PERIOD_MIN_MS)}`,
});

const VERSION =
  'a version without a leading v, in quotes if YAML would read it as a number, for example 1.34.3';
const version = z.string({ error: VERSION }).regex(/^[0-9][0-9A-Za-z.+~-]*$/, { error: VERSION });

const kubernetesVersion = z.string().regex(KUBERNETES_VERSION, {
  message: 'a Kubernetes version, MAJOR.MINOR.PATCH without a leading v, for example 1.34.3',
});

const DEBIAN = 'Debian’s whole version, with its revision, for example 1.9.2-1';
const debianVersion = version.regex(/-/, { error: DEBIAN });

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, {
  message: 'lower-case letters, digits and dashes, at most 41 of them',
});

/** A load may say on which nodes it runs; everything else is the plug-in's own. */
const PLACED_LOADS: Plugin[] = LOADS.map((load) => ({
  name: load.name,
  params: load.params,
}));

const phase = z.strictObject({
  name,
  for: positiveDurationSchema.describe(
    'how long the phase lasts at least, all disruptions included',
  ),
  under: onePlugin('fault', FAULTS)
    .optional()
    .describe('a fault that is there before all else of the phase, and until after it'),
  fault: onePlugin('fault', FAULTS).optional(),
  churn: onePlugin('churn', CHURNS).optional(),
  upgrade: z
    .strictObject({
      component: z.enum(UPGRADES.map(({ component }) => component) as [string, ...string[]]),
      to: z.union([z.enum(['new', 'stable']), version]),
      on: z.enum(['canary', 'rest', 'all']),
    })
    .optional(),
});

const componentVersions = z.strictObject({
  kubernetes: kubernetesVersion
    .optional()
    .describe('of the control plane, and of every node about which nothing else is said'),
  kubelet: kubernetesVersion
    .optional()
    .describe('of the workers, where it is not that of the control plane'),
  'canary-kubelet': kubernetesVersion
    .optional()
    .describe('of the canary alone, where it is not that of the other workers'),
  'kube-proxy': kubernetesVersion.optional(),
  iptables: version.optional(),
  kernel: version.optional().describe('of the nodes, as Debian’s suites ship it: 5.10, 6.1, 6.12'),
  irqbalance: debianVersion.optional().describe(DEBIAN),
});

const machine = z.strictObject({
  cpus: z.int().min(1).max(8).default(2),
  memoryMiB: z.int().min(512).max(65_536).default(2_048),
  testNics: z
    .int()
    .min(0)
    .max(8)
    .default(0)
    .describe('NICs beside the cluster’s own, to be flooded and re-attached'),
  queues: z.int().min(1).max(8).default(1).describe('queue pairs of each test NIC'),
});

const matrix = z.strictObject({
  proxyMode: z.array(z.enum(PROXY_MODES)).min(1).optional(),
  kubernetes: z.array(kubernetesVersion).min(1).optional(),
  kubelet: z.array(kubernetesVersion).min(1).optional(),
  'canary-kubelet': z.array(kubernetesVersion).min(1).optional(),
  'kube-proxy': z.array(kubernetesVersion).min(1).optional(),
  iptables: z.array(version).min(1).optional(),
  kernel: z.array(version).min(1).optional(),
  irqbalance: z.array(debianVersion).min(1).optional(),
});
const AXES = Object.keys(matrix.shape);

export const scenarioSchema = z
  .strictObject({
    name,
    why: z.string().min(1).describe('what is claimed, and which incident is behind it'),
    reads: z.array(z.string()).default([]).describe('seeds, issues and articles'),
    provider: z.enum(['auto', ...PROVIDERS]).default('auto'),
    nodes: z.int().min(1).max(10).default(2),
    proxyMode: z.enum(PROXY_MODES).default('iptables'),
    needs: z
      .strictObject({
        ownKernel: z.boolean().default(false).describe('nodes whose kernel is not this machine’s'),
      })
      .default({ ownKernel: false }),
    machine: machine
      .optional()
      .describe('the shape of the nodes; only machines have one, so kind refuses it'),
    components: componentVersions.default({}),
    upgradeTo: componentVersions
      .pick({ 'kube-proxy': true })
      .default({})
      .describe(
        'what `to: new` means in the phases; `to: stable` is the version under `components`',
      ),
    matrix: matrix.default({}),
    exclude: z
      .array(z.strictObject({ when: z.record(z.string(), z.string()), because: z.string().min(1) }))
      .default([]),
    sampling: z
      .strictObject({
        every: periodSchema.default(1_000).describe('period of the counter probes'),
        rulesEvery: periodSchema.default(500).describe('period of the rule readings'),
      })
      .default({ every: 1_000, rulesEvery: 500 }),
    workload: z
      .strictObject({ replicas: z.int().min(1).max(20).default(2) })
      .default({ replicas: 2 }),
    load: z
      .record(
        name,
        z.strictObject({
          from: z.enum(NODE_SELECTORS).default('worker'),
          run: onePlugin('load', PLACED_LOADS),
        }),
      )
      .default({}),
    phases: z.array(phase).min(1),
    checks: manyPlugins(CHECKERS),
    knownBad: z.array(componentVersions).default([]),
    knownGood: z.array(componentVersions).default([]),
  })
  .superRefine((scenario, context) => {
    const seen = new Set<string>();
    scenario.phases.forEach((one, index) => {
      if (seen.has(one.name)) {
        context.addIssue({
          code: 'custom',
          path: ['phases', index, 'name'],
          message: `a second phase named ${one.name}`,
        });
      }
      seen.add(one.name);
    });
    for (const [axis, values] of Object.entries(scenario.matrix)) {
      values?.forEach((value, index) => {
        if ((values as readonly string[]).indexOf(value) === index) return;
        context.addIssue({
          code: 'custom',
          path: ['matrix', axis, index],
          message: `${value} is in this axis already`,
        });
      });
    }
    scenario.exclude.forEach(({ when }, index) => {
      for (const axis of Object.keys(when).filter((one) => !AXES.includes(one))) {
        context.addIssue({
          code: 'custom',
          path: ['exclude', index, 'when', axis],
          message: `there is no such axis; allowed here: ${AXES.join(', ')}`,
        });
      }
    });
    for (const complaint of unknownNames(scenario))
      context.addIssue({ code: 'custom', ...complaint });
    if (Object.keys(scenario.checks).length === 0) {
      context.addIssue({
        code: 'custom',
        path: ['checks'],
        message: 'name at least one check: a run that judges nothing proves nothing',
      });
    }
  });
export type Scenario = z.infer<typeof scenarioSchema>;

/** Returns the JSON Schema that editors use for completion. */
export function scenarioJsonSchema(): unknown {
  return z.toJSONSchema(scenarioSchema, { io: 'input', unrepresentable: 'any' });
}
