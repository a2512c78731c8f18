/** Makes the directory of a run and writes its history while it happens, so that any crash leaves all that was known. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Environment } from '../core/environment.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import { eventSchema, type HistoryEvent, type Sample } from '../core/history.ts';
import type { Plan } from '../core/plan.ts';
import { unwritten } from '../core/unwritten.ts';
import { openAppendLog, type AppendLog } from './append-log.ts';
import { linkLatest } from './latest.ts';
import { FILES, FOLDERS, runFolder } from './layout.ts';
import { makeFolders, unwritable } from './reports-folder.ts';
import { createSampleEncoder } from './sample-rows.ts';

/** Throws nothing that a full disk is to blame for: it is called by streams and timers, where nobody could catch it. */
export interface Recorder {
  /** Absolute path of the run directory. */
  readonly dir: string;
  /** Aborts, with an error that says which file and why, when the disk refuses something for the first time. */
  readonly broken: AbortSignal;
  /** The events that are not in the file because of that, in order. */
  readonly lost: readonly HistoryEvent[];
  /** Returns once the event cannot be lost by a crash of this process. */
  event(event: HistoryEvent): void;
  readonly sample: (sample: Sample) => void;
  /** Writes a file of the run by its path below the directory, for example `logs/kube-proxy/w1.log`. */
  writeFile(file: string, content: string | Uint8Array): void;
  /** Somebody else's file of this run was refused by the disk: `broken` aborts. Returns its reason. */
  readonly refused: (file: string, cause: unknown) => CoalmineError;
  /** Closing twice is no error; recording after it is one. */
  close(): void;
}

export interface DirectoryOptions {
  /** Default: scenario and run id. A cell of a matrix takes `cellFolder(plan.cell)`. */
  folder?: string;
  /** Whether `latest` shall point here; a cell of a matrix leaves that to the whole. Default: true. */
  latest?: boolean;
}

/** Throws `preflight` where the reports directory cannot be written, `usage` where the run's folder exists already. */
export function createRunDirectory(
  reportsDir: string,
  plan: Plan,
  environment: Environment,
  { folder = runFolder(plan), latest = true }: DirectoryOptions = {},
): Recorder {
  const dir = path.resolve(reportsDir, folder);
  const broken = new AbortController();
  const lost: HistoryEvent[] = [];
  const refused = (file: string, cause: unknown): CoalmineError => {
    const reason = unwritten(file, cause);
    broken.abort(reason);
    return reason;
  };
  makeFolder(reportsDir, dir);
  const { events, samples } = begin(reportsDir, dir, { plan, environment }, refused);
  const encode = createSampleEncoder();
  const recorder: Recorder = {
    dir,
    broken: broken.signal,
    lost,
    event: (event) => {
      if (!events.writeLine(JSON.stringify(eventSchema.parse(event)))) lost.push(event);
    },
    sample: (sample) => {
      samples.writeLine(JSON.stringify(encode(sample)));
    },
    writeFile: (file, content) => {
      const target = path.resolve(dir, file);
      assert(target.startsWith(dir + path.sep), `${file} is not below the run directory`);
      try {
        mkdirSync(path.dirname(target), { recursive: true });
        writeFileSync(target, content);
      } catch (error) {
        refused(target, error);
      }
    },
    refused,
    close: () => {
      events.close();
      samples.close();
    },
  };
  if (latest) noteLatest(recorder, path.resolve(reportsDir), folder);
  return recorder;
}

/** A link that cannot be made is no reason to give up a run, and no secret either. */
function noteLatest(recorder: Recorder, reportsDir: string, folder: string): void {
  try {
    linkLatest(reportsDir, folder);
  } catch (error) {
    const text = `${reportsDir}/latest does not point to this run: ${messageOf(error)}`;
    recorder.event({ tMs: 0, kind: 'note', text });
  }
}

function makeFolder(reportsDir: string, dir: string): void {
  try {
    makeFolders(path.dirname(dir));
    mkdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(reportsDir, error);
    throw new CoalmineError('usage', `${dir} exists already`, {
      cause: error,
      wayOut: 'Name another place with --reports DIR.',
    });
  }
}

/** What is there before anything happens. */
function begin(
  reportsDir: string,
  dir: string,
  { plan, environment }: { plan: Plan; environment: Environment },
  onRefused: (file: string, cause: unknown) => void,
): { events: AppendLog; samples: AppendLog } {
  const open = (name: string): AppendLog => {
    const file = path.join(dir, name);
    return openAppendLog(file, (cause) => {
      onRefused(file, cause);
    });
  };
  try {
    for (const name of FOLDERS) mkdirSync(path.join(dir, name));
    writeJson(path.join(dir, FILES.plan), plan);
    writeJson(path.join(dir, FILES.environment), environment);
    return { events: open(FILES.events), samples: open(FILES.samples) };
  } catch (error) {
    throw unwritable(reportsDir, error);
  }
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
