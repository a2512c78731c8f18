/** A and AAAA on one socket, back to back, as glibc sends them: the pair that conntrack can tear (seed of the 5 s lookups). */
import { z } from 'zod';
import type { Load } from '../load.ts';
import { generatorArgv, loadPod } from '../pod.ts';
import { absoluteNames, dnsServerParam, dnsTimeout } from './names.ts';

const params = z.strictObject({
  names: absoluteNames,
  rate: z.number().positive().max(20_000).default(50).describe('pairs per second on each node'),
  timeout: dnsTimeout,
  sockets: z
    .enum(['rotate', 'fixed'])
    .default('rotate')
    .describe('a new socket for each pair, as resolvers do, or one for all'),
  server: dnsServerParam,
});

export const dnsPairs: Load<z.output<typeof params>> = {
  name: 'dns-pairs',
  type: 'dns',
  params,
  pod: ({ names, rate, timeout, sockets, server }, target) =>
    loadPod(target, {
      argv: generatorArgv('dns-pairs', {
        names: names.join(','),
        rate,
        'timeout-ms': timeout,
        sockets,
        server,
      }),
      timeoutMs: timeout,
    }),
};
