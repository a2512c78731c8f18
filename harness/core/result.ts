/**
 * The result of a run: verdict, findings, and everything that a reader needs to understand them without any other file.
 * It is verdict.json; its JSON Schema is published as report/verdict.schema.json.
 */
import { z } from 'zod';
import { environmentSchema } from './environment.ts';
import { planSchema } from './plan.ts';
import { VERDICTS } from './verdict.ts';

export const DETAILS_MAX = 20;

const verdict = z.enum(VERDICTS);
const exitCode = z.number().int().min(0).max(255);

const judgedFindingSchema = z.strictObject({
  checker: z.string(),
  verdict,
  summary: z.string(),
  evidence: z.record(z.string(), z.union([z.number(), z.string()])),
  details: z.array(z.string()).max(DETAILS_MAX),
  /** The parameters that were used, defaults included, durations in milliseconds. */
  params: z.record(z.string(), z.unknown()),
});
export type JudgedFinding = z.infer<typeof judgedFindingSchema>;

export const runResultSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('run'),
  runId: z.string(),
  scenario: z.string(),
  cell: z.string(),
  verdict,
  /** Something is left on the target, or an undo could not be confirmed. Stands beside the verdict, never replaces it. */
  dirty: z.boolean(),
  /** What is left, by place. */
  left: z.array(z.string()),
  /** How the run itself went; anything but `ended` leaves the verdict without its full evidence. */
  state: z.enum(['ended', 'interrupted', 'crashed', 'killed']),
  /** What stopped it, for `interrupted` and `crashed`. */
  stateDetail: z.string(),
  exitCode,
  startedAt: z.string(),
  durationMs: z.number(),
  findings: z.array(judgedFindingSchema),
  phases: z.array(z.strictObject({ name: z.string(), fromMs: z.number(), toMs: z.number() })),
  /** Versions that the nodes themselves reported, in order: `w1: kube-proxy 1.34.4, iptables`. */
  reported: z.array(z.string()),
  notes: z.array(z.string()),
  plan: planSchema,
  environment: environmentSchema,
});
export type RunResult = z.infer<typeof runResultSchema>;

const cellResultSchema = z.strictObject({
  scenario: z.string(),
  cell: z.string(),
  /** `skipped` cannot be run here; `not-run` should have been; `crashed` ended without a verdict, and `summary` says why. */
  outcome: z.enum(['judged', 'skipped', 'not-run', 'crashed']),
  /** Below the matrix's own directory, where there is one once the cell has begun; empty for a cell that was skipped. */
  folder: z.string(),
  /** Of a control: whether it came out as stated; what it showed is in its own verdict.json. */
  verdict: verdict.nullable(),
  /** Of a control: what the scenario states that these versions come out as. */
  expects: z.enum(['pass', 'fail']).optional(),
  dirty: z.boolean(),
  exitCode,
  /** Why it has no verdict of its own, or the worst finding. */
  summary: z.string(),
});
export type CellResult = z.infer<typeof cellResultSchema>;

/** The result over all cells of a matrix. A skipped cell is named with its reason; it never counts as passed. */
const matrixResultSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('matrix'),
  scenario: z.string(),
  verdict,
  dirty: z.boolean(),
  exitCode,
  cells: z.array(cellResultSchema),
});
export type MatrixResult = z.infer<typeof matrixResultSchema>;

export const resultSchema = z.discriminatedUnion('kind', [runResultSchema, matrixResultSchema]);
