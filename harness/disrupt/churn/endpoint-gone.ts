/**
 * One endpoint goes, and comes back after a planted time: together with a stopped kube-proxy this is a stale rule of known
 * age, which the freshness checker must find (scenario stale-rules-control).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { formatDuration, positiveDurationSchema } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import { sayChurn, type Churn } from './churn.ts';
import { endpointName, makeSlice, readEndpoints, writeEndpoints } from './endpoint-slice.ts';
import { putBackAfter } from './put-back.ts';

const params = z.strictObject({
  service: z.string().min(1).default('churned'),
  like: z.string().min(1).default('echo').describe('Service whose pods are the backends'),
  for: positiveDurationSchema,
});

export const endpointGone: Churn<z.infer<typeof params>> = {
  name: 'endpoint-gone',
  params,
  prepare: async (borrowed, context) => {
    await makeSlice(borrowed, context);
  },
  run: ({ service, for: forMs }, context) =>
    putBackAfter(service, context, async (original) => {
      const victim = original.at(-1);
      if (victim === undefined) {
        throw new CoalmineError('inject', `${service} has no endpoint that could go`);
      }
      const object = endpointName(service, victim);
      const rest = original.filter((one) => one !== victim);
      await writeEndpoints(service, rest, context);
      const goneMs = context.clock.nowMs();
      sayChurn('endpoint-gone', { action: 'remove', object }, context);
      await delay(forMs, undefined, { signal: context.signal });
      const between = await readEndpoints(service, context);
      await writeEndpoints(service, original, context);
      const awayMs = context.clock.nowMs() - goneMs;
      sayChurn('endpoint-gone', { action: 'add', object }, context);
      return {
        felt: between.length === rest.length,
        evidence: `${object} was out of the slice for ${formatDuration(Math.round(awayMs))}`,
      };
    }),
};
