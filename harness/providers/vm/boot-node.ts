/** From a machine whose processors run to a kubelet that runs on it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import type { KubeApi } from '../../core/kube.ts';
import { kubeProxyVersions } from '../versions.ts';
import { podRange } from './addresses.ts';
import { freshenMachine } from './freshen.ts';
import { openHand, type Hand } from './hand.ts';
import { joinNode } from './join.ts';
import type { Machine } from './machine.ts';
import { makeMarkDrop, needsMarkDrop } from './mark-drop.ts';
import { setClock } from './set-clock.ts';
import type { Snapshot } from './snapshot.ts';
import type { Api } from './start-api.ts';
import type { Work } from './work.ts';

/** @param api may still be starting: a machine takes longer */
export async function bootNode(
  work: Work,
  machine: Machine,
  api: Promise<Api>,
  snapshot: Snapshot,
): Promise<Hand> {
  const { context, names, signal, unwind } = work;
  const { clock, say } = context;
  const { name, index, testNics } = machine.spec;
  const startedMs = clock.nowMs();
  const hand = await openHand(machine, { clock, signal }).catch(async (cause: unknown) => {
    signal.throwIfAborted();
    const tail = await machine.consoleTail();
    // The next run shall not meet it again.
    if (machine.isContinued) await snapshot.spoil(`${name} did not answer`);
    throw new CoalmineError('provision', `${messageOf(cause)}${tail}`, { cause });
  });
  unwind.push(`hand of ${name}`, () => {
    hand.close();
  });
  if (machine.isContinued) await freshenMachine(hand, machine.spec, signal);
  const tookMs = Math.round(clock.nowMs() - startedMs);
  const how = machine.isContinued ? 'goes on from a saved machine' : 'has booted';
  say(`${name} ${how} after ${formatDuration(tookMs)}`);
  if (index === 0 && !machine.isContinued) {
    // What is saved now is met by every later run, a clock that runs wrong too.
    await setClock(hand, signal);
    await snapshot.save(machine, hand);
  }
  const { controlPlane, kube } = await api;
  await announceNode(kube, name, index);
  const { kubeadm } = controlPlane;
  const ca = await readFile(path.join(kubeadm.pki, 'ca.crt'), 'utf8');
  const kubeconfig = await kubeadm.nodeKubeconfig(name);
  if (needsMarkDrop(kubeProxyVersions(context.plan).all)) await makeMarkDrop(hand, signal);
  await joinNode(hand, { nodes: names, index, testNics, kubeconfig, ca }, signal);
  return hand;
}

/** Before its kubelet does: which pod range a node has must not depend on who comes first. */
async function announceNode(kube: KubeApi, name: string, index: number): Promise<void> {
  const range = podRange(index);
  await kube.apply({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
    spec: { podCIDR: range, podCIDRs: [range] },
  });
}
