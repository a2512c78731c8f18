/** From a machine that was powered on to a kubelet that runs on it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { KubeApi } from '../../core/kube.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { kubeProxyVersions } from '../versions.ts';
import { podRange } from './addresses.ts';
import { wrongRate } from './clock-rate.ts';
import { meetMachine, type Hand } from './hand.ts';
import { meetOrReset } from './hung-boot.ts';
import { joinNode } from './join.ts';
import type { Machine } from './machine.ts';
import { makeMarkDrop, needsMarkDrop } from './mark-drop.ts';
import { makeIdentity } from './node-identity.ts';
import type { VmNetwork } from './network.ts';
import type { Api } from './start-api.ts';
import type { Work } from './work.ts';

const BOOTS_MAX = 3;
const RESET = { timeoutMs: 20_000 } as const;

/** @param around the API server may still be starting: a machine takes longer */
export async function bootNode(
  work: Work,
  machine: Machine,
  { api, network }: { api: Promise<Api>; network: VmNetwork },
): Promise<Hand> {
  const { context, names, signal } = work;
  const { clock, say } = context;
  const { name, index, testNics } = machine.spec;
  const startedMs = clock.nowMs();
  await network.plugIn(index);
  const hand = await meetWithClock(work, machine);
  const tookMs = Math.round(clock.nowMs() - startedMs);
  say(`${name} has booted after ${formatDuration(tookMs)}`);
  const { controlPlane, kube } = await api;
  await announceNode(kube, name, index);
  const { kubeadm } = controlPlane;
  const ca = await readFile(path.join(kubeadm.pki, 'ca.crt'), 'utf8');
  const identity = await makeIdentity(kubeadm, name);
  if (needsMarkDrop(kubeProxyVersions(context.plan).all)) await makeMarkDrop(hand, signal);
  await joinNode(hand, { nodes: names, index, testNics, identity, ca }, signal);
  return hand;
}

/** The hand on a machine whose clock goes as fast as ours: one whose kernel took a wrong measure of it boots anew. */
async function meetWithClock(work: Work, machine: Machine): Promise<Hand> {
  const { context, signal } = work;
  const { name } = machine.spec;
  for (let boots = 1; ; boots += 1) {
    const hand = await meetOrReset(machine, meetMachine(work, machine), context.say);
    const rate = await wrongRate(hand, signal);
    if (rate === undefined) return hand;
    const text = `the clock of ${name} goes ${rate.toFixed(2)} times as fast as this machine’s`;
    if (boots === BOOTS_MAX)
      throw new CoalmineError('provision', `${text}, in each of ${BOOTS_MAX} boots`, {
        wayOut: 'Run it when this machine is less busy: its guests’ kernels mistake their clocks.',
      });
    context.say(`${text}: it is reset`);
    hand.close();
    await runOrThrow(local, machine.power.reset, RESET);
  }
}

/** Before its kubelet does: which pod range a node has must not depend on who comes first. */
async function announceNode(kube: KubeApi, name: string, index: number): Promise<void> {
  const range = podRange(index);
  await kube.apply({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
    spec: { podCIDR: range, podCIDRs: [range] },
  });
}
