/** The JSON Schema of verdict.json, as published in verdict.schema.json beside this file. */
import { z } from 'zod';
import { resultSchema } from '../core/result.ts';

export function verdictJsonSchema(): unknown {
  const schema = z.toJSONSchema(resultSchema, { unrepresentable: 'any' });
  return {
    ...schema,
    title: 'coalmine verdict.json',
    description: 'The result of a run or of a matrix.',
  };
}
