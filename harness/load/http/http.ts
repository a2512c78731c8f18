/** HTTP requests to a Service by k6. k6 only makes load: no thresholds in it, verdicts have one home. */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';
import { NODE_DIR } from '../../core/names.ts';
import type { Load } from '../load.ts';
import { loadPod } from '../pod.ts';
import { k6Argv, K6_ENV } from './k6-argv.ts';

const K6 = '/usr/local/bin/k6';

const params = z.strictObject({
  mode: z
    .enum(['new-connection', 'keep-alive'])
    .describe('a new TCP connection for each request, or one for each user'),
  url: z
    .url({ protocol: /^https?$/ })
    .default('http://echo.coalmine.svc.cluster.local./hostname')
    .describe(
      'with a last dot after the host, so that the search list does not multiply the lookups',
    ),
  rate: z.number().positive().max(5_000).default(20).describe('requests per second on each node'),
  users: z
    .int()
    .min(1)
    .max(200)
    .default(4)
    .describe('who share the rate; each has one request in flight at most'),
  timeout: positiveDurationSchema.prefault('5s'),
});

export const http: Load<z.output<typeof params>> = {
  name: 'http',
  type: 'http',
  params,
  pod: ({ mode, url, rate, users, timeout }, target) =>
    loadPod(target, {
      argv: k6Argv(K6, `${NODE_DIR}/k6/${mode}.ts`, { url, rate, users, timeoutMs: timeout }),
      env: K6_ENV,
      timeoutMs: timeout,
    }),
};
