/**
 * Removes one endpoint of a Service and puts it back, over and over: the ordinary life of a busy Service, sped up. With an odd
 * number of changes and a `lastFor` one stays away at the end: what is back before anybody looks proves nothing of a kube-proxy
 * that stopped looking.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { durationSchema, positiveDurationSchema } from '../../core/duration.ts';
import { sayChurn, type Churn, type ChurnContext } from './churn.ts';
import { endpointName, makeSlice, writeEndpoints } from './endpoint-slice.ts';
import { putBackAfter } from './put-back.ts';

const params = z.strictObject({
  service: z.string().min(1).default('churned'),
  like: z.string().min(1).default('echo').describe('Service whose pods are the backends'),
  changes: z.int().min(2).max(10_000).default(100),
  every: positiveDurationSchema.default(250).describe('time from one change to the next'),
  lastFor: durationSchema.default(0).describe('how long what the last change made stays'),
});
type Params = z.infer<typeof params>;

export const endpoints: Churn<Params> = {
  name: 'endpoints',
  params,
  prepare: async (borrowed, context) => {
    await makeSlice(borrowed, context);
  },
  run: (wanted, context) =>
    putBackAfter(wanted.service, context, async (original) => {
      const versions = new Set<string>();
      const beganMs = context.clock.nowMs();
      for (let done = 0; done < wanted.changes; done += 1) {
        await pace(beganMs + done * wanted.every, context);
        const victim = original[Math.floor(done / 2) % original.length];
        if (victim === undefined) break;
        const removes = done % 2 === 0;
        const rest = removes ? original.filter((one) => one !== victim) : original;
        versions.add(await writeEndpoints(wanted.service, rest, context));
        const object = endpointName(wanted.service, victim);
        sayChurn('endpoints', { action: removes ? 'remove' : 'add', object }, context);
      }
      await pace(context.clock.nowMs() + wanted.lastFor, context);
      return {
        felt: versions.size === wanted.changes,
        evidence: `the API server made ${versions.size} new versions of the slice in ${wanted.changes} changes`,
      };
    }),
};

async function pace(dueMs: number, { clock, signal }: ChurnContext): Promise<void> {
  signal.throwIfAborted();
  const waitMs = dueMs - clock.nowMs();
  if (waitMs > 0) await delay(waitMs, undefined, { signal });
}
