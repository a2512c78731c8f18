/** A steady rate by the real dnsperf, for when the rate matters more than the pairing. */
import { z } from 'zod';
import type { Load } from '../load.ts';
import { generatorArgv, loadPod } from '../pod.ts';
import { absoluteNames, dnsServerParam, dnsTimeout } from './names.ts';

const params = z.strictObject({
  names: absoluteNames,
  rate: z.int().positive().max(100_000).default(100).describe('queries per second on each node'),
  timeout: dnsTimeout,
  server: dnsServerParam,
});

export const dnsperf: Load<z.output<typeof params>> = {
  name: 'dnsperf',
  type: 'dns',
  params,
  pod: ({ names, rate, timeout, server }, target) =>
    loadPod(target, {
      argv: generatorArgv('dnsperf', {
        names: names.join(','),
        rate,
        'timeout-ms': timeout,
        server,
      }),
      timeoutMs: timeout,
    }),
};
