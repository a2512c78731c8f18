/** Reads a run directory back as a history. Needs nothing but the files, whatever became of the run. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { environmentSchema, type Environment } from '../core/environment.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import { eventSchema, type History, type HistoryEvent } from '../core/history.ts';
import { planSchema } from '../core/plan.ts';
import { FILES } from './layout.ts';
import { parseNdjson, type Parsed } from './ndjson.ts';
import { isSampleRow, type SampleRow } from './sample-rows.ts';
import { samplesOf } from './sample-series.ts';

export interface StoredRun {
  /** With links resolved, so that `reports/latest` names the run it meant. */
  dir: string;
  history: History;
  environment: Environment;
  /** One sentence for each line that could not be read, beginning with file:line. */
  damage: string[];
}

export interface ReadOptions {
  /** Takes what is intact even where lines in the middle are damaged: for looking, not for judging. */
  salvage?: boolean;
}

const LOG_BYTES_MAX = 256 * 2 ** 20;
const WRITTEN_BY_CRASH = 'torn by a crash, left out';

/**
 * Throws `history` where a file is missing, of another version, or damaged anywhere but in its last line: a history with
 * holes must not get a verdict.
 */
export function readHistory(runDir: string, { salvage = false }: ReadOptions = {}): StoredRun {
  const dir = openRun(runDir);
  const plan = readJson(dir, FILES.plan, planSchema);
  const environment = readJson(dir, FILES.environment, environmentSchema);
  const events = readLines(dir, FILES.events, understandEvent);
  const rows = readLines(dir, FILES.samples, understandRow);
  const inner = [...events.holes, ...rows.holes];
  if (inner.length > 0 && !salvage) {
    const more = inner.length === 1 ? '' : ` (and ${inner.length - 1} more damaged lines)`;
    throw new CoalmineError('history', `${inner[0] ?? ''}${more}`, {
      wayOut:
        'The run cannot be judged again. Its own verdict, if there is one, is in verdict.json.',
    });
  }
  return {
    dir,
    history: { plan, events: events.values, samples: samplesOf(rows.values), logs: readLogs(dir) },
    environment,
    damage: [...inner, ...events.torn, ...rows.torn],
  };
}

function openRun(runDir: string): string {
  if (!existsSync(path.join(runDir, FILES.plan))) {
    const why = existsSync(runDir) ? `has no ${FILES.plan}` : 'does not exist';
    throw new CoalmineError('history', `${runDir} is not a run directory: it ${why}`, {
      wayOut: 'Name a folder below reports/, for example reports/latest.',
    });
  }
  return realpathSync(runDir);
}

function understandEvent(json: unknown): HistoryEvent {
  const { success, data, error } = eventSchema.safeParse(json);
  if (success) return data;
  throw new Error(`not an event: ${firstIssue(error)}`);
}

function understandRow(json: unknown): SampleRow {
  if (isSampleRow(json)) return json;
  throw new Error('not a sample {t, n, p, v}');
}

interface Lines<T> {
  values: T[];
  holes: string[];
  torn: string[];
}

function readLines<T>(dir: string, file: string, understand: (json: unknown) => T): Lines<T> {
  const target = path.join(dir, file);
  const bytes = existsSync(target) ? readFileSync(target) : Buffer.alloc(0);
  const { values, damaged }: Parsed<T> = parseNdjson(bytes, understand);
  const say = ({ line, why }: { line: number; why: string }) => `${target}:${line}: ${why}`;
  return {
    values,
    holes: damaged.filter(({ tail }) => !tail).map(say),
    torn: damaged
      .filter(({ tail }) => tail)
      .map(({ line }) => say({ line, why: WRITTEN_BY_CRASH })),
  };
}

function readJson<T>(dir: string, file: string, schema: z.ZodType<T>): T {
  const target = path.join(dir, file);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(target, 'utf8'));
  } catch (error) {
    throw new CoalmineError('history', `${target}: ${messageOf(error)}`, { cause: error });
  }
  const version = (json as { version?: unknown } | null)?.version;
  if (version !== 1) {
    throw new CoalmineError(
      'history',
      `${target} is of version ${version === undefined ? 'unknown' : JSON.stringify(version)}; this coalmine reads version 1`,
      { wayOut: 'Read it with the coalmine that wrote it: environment.json names its version.' },
    );
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  throw new CoalmineError('history', `${target}: ${firstIssue(error)}`);
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return error.message;
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}

/** Throws `history` for a log that no string can hold; the recorder never writes one. */
function readLogs(dir: string): Map<string, string> {
  const root = path.join(dir, 'logs');
  const logs = new Map<string, string>();
  if (!existsSync(root)) return logs;
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const target = path.join(root, file);
    const stat = statSync(target, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) continue;
    if (stat.size > LOG_BYTES_MAX) {
      throw new CoalmineError(
        'history',
        `${target} has ${stat.size} bytes; ${LOG_BYTES_MAX} at most`,
      );
    }
    logs.set(file.split(path.sep).join('/'), readFileSync(target, 'utf8'));
  }
  return logs;
}
