/** Long-lived TCP flows to a Service that must survive: each says its number every second and hears it again. */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';
import type { Load } from '../load.ts';
import { generatorArgv, loadPod } from '../pod.ts';

const params = z.strictObject({
  service: z.string().default('echo').describe("host name as the pod's resolv.conf resolves it"),
  port: z.int().min(1).max(65_535).default(7_000),
  count: z.int().min(1).max(1_000).default(4).describe('flows on each node'),
  timeout: positiveDurationSchema
    .prefault('30s')
    .describe('a flow without its echo for so long is dead; TCP itself outlives short outages'),
  reopen: z.boolean().default(true).describe('open a new flow in place of a dead one'),
});

export const holdConnections: Load<z.output<typeof params>> = {
  name: 'hold-connections',
  type: 'flow',
  params,
  pod: ({ service, port, count, timeout, reopen }, target) =>
    loadPod(target, {
      argv: generatorArgv('hold', {
        host: service,
        port,
        count,
        'timeout-ms': timeout,
        reopen: reopen ? 'yes' : 'no',
      }),
      timeoutMs: timeout,
    }),
};
