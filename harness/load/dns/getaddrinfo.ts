/** Lookups as a real application makes them: getaddrinfo in libuv's thread pool, with the pod's own resolv.conf. */
import { z } from 'zod';
import type { Load } from '../load.ts';
import { generatorArgv, loadPod } from '../pod.ts';
import { dnsTimeout, searchedNames } from './names.ts';

const params = z.strictObject({
  names: searchedNames,
  rate: z.number().positive().max(2_000).default(10).describe('lookups per second on each node'),
  timeout: dnsTimeout,
  threads: z.int().min(1).max(1_024).default(4).describe('UV_THREADPOOL_SIZE'),
});

export const getaddrinfo: Load<z.output<typeof params>> = {
  name: 'getaddrinfo',
  type: 'dns',
  params,
  pod: ({ names, rate, timeout, threads }, target) =>
    loadPod(target, {
      argv: generatorArgv('getaddrinfo', { names: names.join(','), rate, 'timeout-ms': timeout }),
      env: { UV_THREADPOOL_SIZE: String(threads) },
      timeoutMs: timeout,
    }),
};
