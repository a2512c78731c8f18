/** Makes the directory of a run and writes its history while it happens, so that any crash leaves all that was known. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Environment } from '../core/environment.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import { eventSchema, type HistoryEvent, type Sample } from '../core/history.ts';
import type { Plan } from '../core/plan.ts';
import { openAppendLog } from './append-log.ts';
import { linkLatest } from './latest.ts';
import { FILES, FOLDERS, runFolder } from './layout.ts';
import { makeFolders, unwritable } from './reports-folder.ts';
import { createSampleEncoder } from './sample-rows.ts';

export interface Recorder {
  /** Absolute path of the run directory. */
  readonly dir: string;
  /** Returns once the event cannot be lost by a crash of this process. */
  event(event: HistoryEvent): void;
  readonly sample: (sample: Sample) => void;
  /** Writes a file of the run by its path below the directory, for example `logs/kube-proxy/w1.log`. */
  writeFile(file: string, content: string | Uint8Array): void;
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
  makeFolder(reportsDir, dir);
  for (const name of FOLDERS) mkdirSync(path.join(dir, name));
  writeJson(path.join(dir, FILES.plan), plan);
  writeJson(path.join(dir, FILES.environment), environment);
  const events = openAppendLog(path.join(dir, FILES.events));
  const samples = openAppendLog(path.join(dir, FILES.samples));
  const encode = createSampleEncoder();
  const recorder: Recorder = {
    dir,
    event: (event) => {
      events.writeLine(JSON.stringify(eventSchema.parse(event)));
    },
    sample: (sample) => {
      samples.writeLine(JSON.stringify(encode(sample)));
    },
    writeFile: (file, content) => {
      const target = path.resolve(dir, file);
      assert(target.startsWith(dir + path.sep), `${file} is not below the run directory`);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, content);
    },
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

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
