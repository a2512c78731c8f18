/**
 * Seed 003 in minutes: an endpoint leaves while it has a connection, so that kube-proxy lets it drain; the same address
 * comes back, as pod addresses do, and leaves again. A kube-proxy that never forgets whom it once drained (1.13.0,
 * kubernetes#71071) does not drain it a second time: new connections go to a backend that is gone. After that the address
 * stays away, the connection is closed, and nothing changes for a while: what kube-proxy's own job, once a minute, says of
 * it is in its log.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { waitFor, within } from '../../core/deadline.ts';
import { durationSchema } from '../../core/duration.ts';
import { CoalmineError, hasCode, messageOf } from '../../core/errors.ts';
import type { RealServer } from '../../core/ip-vs.ts';
import { NODE_DIR } from '../../core/names.ts';
import type { NodeAgent } from '../../core/node.ts';
import { readIpVs } from '../ipvs.ts';
import { clusterAddress } from '../service-address.ts';
import { sayChurn, type Churn, type ChurnContext } from './churn.ts';
import { makeEndpoints, readAddresses, writeAddresses } from './endpoints-object.ts';

const params = z.strictObject({
  service: z.string().min(1).default('reused'),
  like: z.string().min(1).default('echo').describe('Service whose pods are the backends'),
  port: z.int().min(1).max(65_535).default(7_000).describe('on which a backend echoes'),
  connections: z.int().min(2).max(100).default(4).describe('held from the canary; in turn to each'),
  held: durationSchema.default(20_000).describe('how long they last after the second removal'),
  quiet: durationSchema.default(0).describe('time without any change after that'),
});
type Params = z.infer<typeof params>;

const NAME = 'drain-reuse';
/** kube-proxy syncs within seconds; twice that and some. */
const FOLLOW_MS = 30_000;
const PUT_BACK_MS = 15_000;
/** A held connection without an answer: its backend has left the rules, not the network. */
const ANSWER_MS = 60_000;

export const drainReuse: Churn<Params> = {
  name: NAME,
  params,
  prepare: makeEndpoints,
  run: async (wanted, context) => {
    const { service } = wanted;
    const original = await readAddresses(service, context);
    try {
      return await drainTwice(wanted, original, context);
    } finally {
      const putBack = writeAddresses(service, original, context);
      await within(`endpoints of ${service} to be put back`, PUT_BACK_MS, putBack).catch(
        (error: unknown) => {
          throw new CoalmineError('undo', messageOf(error), { cause: error });
        },
      );
      sayChurn(NAME, { action: 'put back', object: service }, context);
    }
  },
};

async function drainTwice(
  { service, port, connections, held, quiet }: Params,
  original: Awaited<ReturnType<typeof readAddresses>>,
  context: ChurnContext,
): Promise<{ felt: boolean; evidence: string }> {
  const { kube, namespace, signal } = context;
  const { agent } = canaryOf(context);
  const victim = original.at(-1);
  if (victim === undefined) throw new CoalmineError('inject', `${service} has no endpoints`);
  const rest = original.filter((one) => one !== victim);
  const host = await clusterAddress(kube, { name: service, namespace });
  const object = `${service}/${victim.ip}:${port}`;
  const seen = (what: string, wanted: (server: RealServer) => boolean) =>
    untilSeen(agent, { what: `${object} to ${what}`, host, port, ip: victim.ip }, wanted, signal);
  const remove = async (): Promise<void> => {
    await writeAddresses(service, rest, context);
    sayChurn(NAME, { action: 'remove', object }, context);
  };

  const flows = await agent.start(holdCommand(host, port, connections), () => undefined);
  try {
    if ((await seen('have a connection', isBusy)) === undefined)
      return { felt: false, evidence: `no held connection went to ${object}` };
    await remove();
    const drained = await seen('drain', (server) => server.weight === 0 && isBusy(server));
    await writeAddresses(service, original, context);
    sayChurn(NAME, { action: 'add', object }, context);
    const back = await seen('be back', ({ weight }) => weight > 0);
    await remove();
    await pause(held, signal);
    return {
      felt: drained !== undefined && back !== undefined,
      evidence:
        drained === undefined
          ? `${object} never drained: weight 0 with a connection was not seen on ${agent.name}`
          : `${object} drained on ${agent.name} with ${drained.activeConn} active connections, and ${back === undefined ? 'did not come' : 'came'} back`,
    };
  } finally {
    await flows.kill('SIGTERM').catch(() => undefined);
    sayChurn(NAME, { action: 'close', object }, context);
    if (!signal.aborted) await pause(quiet, signal);
  }
}

/** Throws the signal's own reason. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {
    signal.throwIfAborted();
  });
}

function isBusy({ activeConn }: RealServer): boolean {
  return activeConn > 0;
}

function canaryOf({ nodes }: ChurnContext): { agent: NodeAgent } {
  const found = nodes.find(({ node }) => node.role === 'worker') ?? nodes[0];
  if (found === undefined) throw new CoalmineError('inject', `${NAME} needs a node with an agent`);
  return found;
}

function holdCommand(host: string, port: number, count: number) {
  const options = { host, port, count, 'timeout-ms': ANSWER_MS, reopen: 'no' };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const argv = [`${NODE_DIR}/node`, `${NODE_DIR}/generator.mjs`, 'hold', ...words] as const;
  return { argv };
}

/** Returns the real server as it was when first seen so, or undefined where that did not happen in time. */
async function untilSeen(
  agent: NodeAgent,
  { what, host, port, ip }: { what: string; host: string; port: number; ip: string },
  wanted: (server: RealServer) => boolean,
  signal: AbortSignal,
): Promise<RealServer | undefined> {
  try {
    return await waitFor({ what, timeoutMs: FOLLOW_MS, signal }, async () => {
      const servers = (await readIpVs(agent))
        .filter((one) => one.protocol === 'TCP' && one.address === host && one.port === port)
        .flatMap(({ realServers }) => realServers);
      return servers.find((server) => server.address === ip && wanted(server));
    });
  } catch (error) {
    signal.throwIfAborted();
    if (hasCode(error, 'deadline')) return undefined;
    throw error;
  }
}
