/**
 * From a machine that goes on where it was saved to the node that it was then. Its kubelet, its kube-proxy and its pods run
 * already; what has changed behind their backs is the time, and, where that started again, the API server.
 */
import type { Executor } from '../../core/command.ts';
import { formatDuration } from '../../core/duration.ts';
import { setClock } from '../../core/node-clock.ts';
import { local } from '../../exec/local.ts';
import { KUBERNETES_ADDRESS } from '../cluster-networks.ts';
import { API_ADDRESS, API_ADDRESS_OF_KUBELETS, nodeAddress } from './addresses.ts';
import { meetMachine, type Hand } from './hand.ts';
import { pemFile } from './join-files.ts';
import { lastHeartbeat, untilHeartbeat } from './heartbeats.ts';
import type { Machine } from './machine.ts';
import type { VmNetwork } from './network.ts';
import { makeIdentity } from './node-identity.ts';
import { untilServes } from './serves.ts';
import { grantServing } from './serving-certificate.ts';
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
  const { kube, controlPlane } = await api;
  const before = await lastHeartbeat(kube, name);
  await network.plugIn(index);
  const address = nodeAddress(index);
  const fresh = makeIdentity(controlPlane.kubeadm, name);
  fresh.catch(() => undefined); // told where it is waited for, unless the machine was not met
  const bringUpToDate = async (): Promise<Hand> => {
    const hand = await meeting;
    const becomeItself = async (): Promise<void> => {
      const { path, content, mode } = pemFile(await fresh);
      await hand.writeFile(path, content, mode);
      if (controlPlane.goesOn) await endOwn(address, signal);
      else await endAll(hand, signal);
    };
    await Promise.all([setClock(hand, { timeoutMs: STEP_MS, signal }), becomeItself()]);
    return hand;
  };
  const [hand] = await Promise.all([
    bringUpToDate(),
    untilServes('kubelet', address, signal),
    untilServes('kube-proxy', address, signal),
    untilHeartbeat(kube, name, before, signal),
    grantServing({ kube, controlPlane }, name, signal),
  ]);
  const took = formatDuration(Math.round(context.clock.nowMs() - fromMs));
  context.say(`${name} goes on from a saved cluster after ${took}`);
  return hand;
}

/**
 * The kubelet's, so that it asks by its new certificate from now on; it takes that up within five minutes by itself. At this
 * end of them, where it costs the node nothing, and its kube-proxy nothing either. Where it does not work (a kernel without
 * CONFIG_INET_DIAG_DESTROY) things take their time, and that is no error.
 */
async function endOwn(address: string, signal: AbortSignal): Promise<void> {
  const argv = ['ss', '--kill', 'src', API_ADDRESS_OF_KUBELETS, 'and', 'dst', address] as const;
  await local.run({ argv }, { timeoutMs: STEP_MS, signal });
}

/**
 * With an API server that is gone, on the node and in its pods: who waits for news there would notice after half a minute,
 * when HTTP/2 asks whether anybody listens. In one program: each that is started costs a node without KVM a tenth of a
 * second.
 */
async function endAll(node: Executor, signal: AbortSignal): Promise<void> {
  const whose = ['dst', API_ADDRESS, 'or', 'dst', API_ADDRESS_OF_KUBELETS];
  const all = [...whose, 'or', 'dst', KUBERNETES_ADDRESS];
  const argv = [
    'sh',
    '-c',
    'ss --kill "$@"; ip -all netns exec ss --kill "$@"',
    'ss',
    ...all,
  ] as const;
  await node.run({ argv }, { timeoutMs: STEP_MS, signal });
}
