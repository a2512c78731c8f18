/** Reads a scenario from YAML; every complaint names file:line:col, what was found and what is allowed. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type Pair,
} from 'yaml';
import type { z } from 'zod';
import { CoalmineError, messageOf } from '../core/errors.ts';
import { applyOverrides, type Override } from './overrides.ts';
import { scenarioSchema, type Scenario } from './scenario.ts';

const BYTES_MAX = 256 * 1024;
/** Aliases may repeat a small block, not blow up memory: the "billion laughs" file is refused. */
const ALIASES_MAX = 50;
const COMPLAINTS_MAX = 20;

export interface ScenarioFile {
  readonly path: string;
  readonly scenario: Scenario;
  /** The same as plain data as it was written, overrides included: durations are still text. */
  readonly written: Readonly<Record<string, unknown>>;
}

/** Where scenarios live: `scenarios/` beside the program. */
const SCENARIOS_DIR = path.resolve(import.meta.dirname, '../../scenarios');

/** Returns the names of the scenarios that ship with coalmine, sorted. */
export function shippedScenarios(): string[] {
  return readdirSync(SCENARIOS_DIR)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/** Takes a shipped scenario's name or the path of a file. Throws `usage`. */
export function loadScenario(
  nameOrPath: string,
  overrides: readonly Override[] = [],
): ScenarioFile {
  const file = resolveScenario(nameOrPath);
  return parseScenario(path.relative(process.cwd(), file) || file, readText(file), overrides);
}

function resolveScenario(nameOrPath: string): string {
  if (/[/\\]|\.ya?ml$/.test(nameOrPath)) return path.resolve(nameOrPath);
  const shipped = shippedScenarios();
  if (shipped.includes(nameOrPath)) return path.join(SCENARIOS_DIR, `${nameOrPath}.yaml`);
  throw new CoalmineError('usage', `there is no scenario named ${nameOrPath}`, {
    wayOut: `Give a path, or one of: ${shipped.join(', ')}.`,
  });
}

function readText(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length <= BYTES_MAX) return text;
  } catch (error) {
    throw new CoalmineError('usage', `cannot read the scenario ${file}: ${messageOf(error)}`, {
      wayOut: 'Check the path; `coalmine list` shows the scenarios that ship with coalmine.',
      cause: error,
    });
  }
  throw new CoalmineError(
    'usage',
    `${file} is larger than ${BYTES_MAX / 1024} KiB; a scenario is not`,
  );
}

/** Pure: text in, checked scenario out. Throws one `usage` error that holds every complaint. */
export function parseScenario(
  file: string,
  text: string,
  overrides: readonly Override[] = [],
): ScenarioFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
  });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    refuse(document.errors.map((error) => `${at(error.pos[0])}: ${firstLine(error.message)}`));
  }
  const plain = toPlain(document, file);
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    refuse([
      `${file}:1:1: a scenario is a mapping that starts with \`name:\`; found ${Array.isArray(plain) ? 'a list' : typeof plain}`,
    ]);
  }
  const written = applyOverrides(plain as Record<string, unknown>, overrides);
  const result = scenarioSchema.safeParse(written);
  if (!result.success) refuse(complaints(result.error, document, at, overrides));
  return { path: file, scenario: result.data, written };
}

function toPlain(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown;
  } catch (error) {
    return refuse([
      `${file}:1:1: ${messageOf(error)}; at most ${ALIASES_MAX} aliases are followed`,
    ]);
  }
}

function refuse(found: readonly string[]): never {
  const shown = found.slice(0, COMPLAINTS_MAX);
  const more = found.length - shown.length;
  throw new CoalmineError(
    'usage',
    [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n'),
  );
}

function complaints(
  error: z.ZodError,
  document: Document,
  at: (offset: number) => string,
  overrides: readonly Override[],
): string[] {
  return error.issues.flatMap(flatten).map((issue) => {
    const steps = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
    const target = [...steps, ...keys.slice(0, 1)];
    const override = overrides.find(
      ({ path: own }) => own.join('.') === target.slice(0, own.length).join('.'),
    );
    const where =
      override === undefined ? at(offsetOf(document, target)) : `--set ${override.text}`;
    const allowed = issue.code === 'unrecognized_keys' ? allowedKeys(issue) : '';
    return `${where}: ${target.join('.') || 'scenario'}: ${firstLine(issue.message)}${allowed}`;
  });
}

/** A union reports one issue that holds the branches' own; the branch that got farthest is what the writer meant. */
function flatten(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const branches = [...issue.errors].sort((a, b) => deepest(b) - deepest(a));
  const best = branches[0];
  if (best === undefined || best.length === 0) return [issue];
  return best.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }));
}

function deepest(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function allowedKeys(issue: z.core.$ZodIssue): string {
  const schema = schemaAt(scenarioSchema, issue.path);
  return schema === undefined ? '' : `; allowed here: ${schema.join(', ')}`;
}

/** Walks the schema along a path and returns the keys of the object there, if there is one. */
function schemaAt(schema: unknown, steps: readonly PropertyKey[]): string[] | undefined {
  let current = unwrap(schema);
  for (const step of steps) {
    const def = current as
      { shape?: Record<string, unknown>; element?: unknown; valueType?: unknown } | undefined;
    const next =
      typeof step === 'number' ? def?.element : (def?.shape?.[String(step)] ?? def?.valueType);
    current = unwrap(next);
  }
  const shape = (current as { shape?: Record<string, unknown> } | undefined)?.shape;
  return shape === undefined ? undefined : Object.keys(shape);
}

function unwrap(schema: unknown): unknown {
  let current = schema as
    { def?: { innerType?: unknown; in?: unknown }; shape?: unknown } | undefined;
  while (current !== undefined && current.shape === undefined) {
    const inner = current.def?.innerType ?? current.def?.in;
    if (inner === undefined) return current;
    current = inner as typeof current;
  }
  return current;
}

/** Returns where in the text the value at `steps` begins, or its nearest ancestor that exists. */
function offsetOf(document: Document, steps: readonly (string | number)[]): number {
  for (let length = steps.length; length > 0; length -= 1) {
    const path = steps.slice(0, length);
    const last = path.at(-1);
    const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
    const pair = pairsOf(parent).find(
      (one) => isScalar(one.key) && String(one.key.value) === String(last),
    );
    const key = pair?.key;
    if (isNode(key) && key.range) return key.range[0];
    const node = document.getIn(path, true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function pairsOf(node: unknown): Pair[] {
  const items = (node as { items?: unknown[] } | null)?.items ?? [];
  return items.filter((item): item is Pair => isPair(item));
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
