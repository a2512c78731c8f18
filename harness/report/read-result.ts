/** Reads verdict.json back, so that reports can be written again from the files of a run alone. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { CoalmineError, messageOf } from '../core/errors.ts';
import { resultSchema, type MatrixResult, type RunResult } from '../core/result.ts';

/** Throws `history` where there is no verdict, or one that this version cannot read. */
export function readResult(dir: string): RunResult | MatrixResult {
  const file = path.join(dir, 'verdict.json');
  if (!existsSync(file)) {
    throw new CoalmineError('history', `${dir} has no verdict.json`, {
      wayOut: 'If it is a run that was killed, `coalmine check` judges what there is of it.',
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CoalmineError('history', `${file}: ${messageOf(error)}`, { cause: error });
  }
  const { success, data, error } = resultSchema.safeParse(json);
  if (success) return data;
  throw new CoalmineError(
    'history',
    `${file} is not a verdict of version 1:\n${z.prettifyError(error)}`,
    { wayOut: '`coalmine check` writes it again from the history.' },
  );
}
