/**
 * From a machine that goes on where it was saved to the node that it was then. Its kubelet, its kube-proxy and its pods run
 * already; what has changed behind their backs is the time, and the API server that they were connected to.
 */
import type { Executor } from '../../core/command.ts';
import { formatDuration } from '../../core/duration.ts';
import { KUBERNETES_ADDRESS } from '../cluster-networks.ts';
import { API_ADDRESS, nodeAddress } from './addresses.ts';
import { meetMachine, type Hand } from './hand.ts';
import { untilHeartbeat } from './heartbeats.ts';
import type { Machine } from './machine.ts';
import { untilServes } from './serves.ts';
import { setClock } from './set-clock.ts';
import type { Api } from './start-api.ts';
import type { Work } from './work.ts';

const STEP_MS = 30_000;

export async function continueNode(work: Work, machine: Machine, api: Promise<Api>): Promise<Hand> {
  const { context, signal } = work;
  const { name, index } = machine.spec;
  const fromMs = context.clock.nowMs();
  const sinceMs = Date.now();
  const hand = await meetMachine(work, machine);
  await setClock(hand, signal);
  const { kube } = await api;
  await endConnections(hand, signal);
  const address = nodeAddress(index);
  await Promise.all([
    untilServes('kubelet', address, signal),
    untilServes('kube-proxy', address, signal),
    untilHeartbeat(kube, name, sinceMs, signal),
  ]);
  const took = formatDuration(Math.round(context.clock.nowMs() - fromMs));
  context.say(`${name} goes on from a saved cluster after ${took}`);
  return hand;
}

/**
 * With the API server that is gone, on the node and in its pods: who waits for news there would notice after half a minute,
 * when HTTP/2 asks whether anybody listens. Where it does not work (a kernel without CONFIG_INET_DIAG_DESTROY) it takes that
 * long, and is no error.
 */
async function endConnections(node: Executor, signal: AbortSignal): Promise<void> {
  const kill = ['ss', '--kill', 'dst', API_ADDRESS, 'or', 'dst', KUBERNETES_ADDRESS] as const;
  const limits = { timeoutMs: STEP_MS, signal };
  await Promise.all([
    node.run({ argv: kill }, limits),
    node.run({ argv: ['ip', '-all', 'netns', 'exec', ...kill] }, limits),
  ]);
}
