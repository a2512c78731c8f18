/**
 * From a machine that goes on where it was saved to the node that it was then. Its kubelet, its kube-proxy and its pods run
 * already; what has changed behind their backs is the time, and the API server that they were connected to.
 */
import type { Executor } from '../../core/command.ts';
import { formatDuration } from '../../core/duration.ts';
import { KUBERNETES_ADDRESS } from '../cluster-networks.ts';
import { API_ADDRESS, nodeAddress } from './addresses.ts';
import { meetMachine, type Hand } from './hand.ts';
import { lastHeartbeat, untilHeartbeat } from './heartbeats.ts';
import type { Machine } from './machine.ts';
import type { VmNetwork } from './network.ts';
import { untilServes } from './serves.ts';
import { moveClock } from './set-clock.ts';
import type { Api } from './start-api.ts';
import type { Work } from './work.ts';

const STEP_MS = 30_000;

/**
 * Nobody hears the machine until there is an API server, and it hears nobody: who is refused a connection tries again later,
 * and each time later still; who is not answered sends again at once.
 */
export async function continueNode(
  work: Work,
  machine: Machine,
  { api, network }: { api: Promise<Api>; network: VmNetwork },
): Promise<Hand> {
  const { context, signal } = work;
  const { name, index } = machine.spec;
  const fromMs = context.clock.nowMs();
  await machine.saving.go();
  const meeting = meetMachine(work, machine);
  meeting.catch(() => undefined); // told below, unless the API server did not come either
  const { kube } = await api;
  const before = await lastHeartbeat(kube, name);
  await network.plugIn(index);
  const address = nodeAddress(index);
  const bringUpToDate = async (): Promise<void> => {
    const hand = await meeting;
    await Promise.all([moveClock(hand, signal), endConnections(hand, signal)]);
  };
  await Promise.all([
    bringUpToDate(),
    untilServes('kubelet', address, signal),
    untilServes('kube-proxy', address, signal),
    untilHeartbeat(kube, name, before, signal),
  ]);
  const hand = await meeting;
  // By now its heartbeats have told how far it was moved.
  await moveClock(hand, signal);
  const took = formatDuration(Math.round(context.clock.nowMs() - fromMs));
  context.say(`${name} goes on from a saved cluster after ${took}`);
  return hand;
}

/** One after the other, in one program: each that is started costs a node without KVM a tenth of a second. */
const KILL = 'ss --kill "$@"; ip -all netns exec ss --kill "$@"';

/**
 * With the API server that is gone, on the node and in its pods: who waits for news there would notice after half a minute,
 * when HTTP/2 asks whether anybody listens. Where it does not work (a kernel without CONFIG_INET_DIAG_DESTROY) it takes that
 * long, and is no error.
 */
async function endConnections(node: Executor, signal: AbortSignal): Promise<void> {
  const whose = ['dst', API_ADDRESS, 'or', 'dst', KUBERNETES_ADDRESS];
  const argv = ['sh', '-c', KILL, 'ss', ...whose] as const;
  await node.run({ argv }, { timeoutMs: STEP_MS, signal });
}
