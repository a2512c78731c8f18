/** The control plane of one cluster with the addons of kubeadm, and a client that talks to it. */
import { CoalmineError } from '../../core/errors.ts';
import { formatDuration } from '../../core/duration.ts';
import type { KubeApi } from '../../core/kube.ts';
import { connectKube, loadClient } from '../kube.ts';
import { imageVersions, kubeProxyVersions } from '../versions.ts';
import { applyAddons } from './addons.ts';
import type { SavedControlPlane } from './control-plane-save.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import type { Work } from './work.ts';

export interface Api {
  readonly controlPlane: ControlPlane;
  readonly kube: KubeApi;
}

/**
 * The bridge must be there. Its end, whenever it comes, makes the work give up.
 * @param saved what another one's `save` wrote; it has the addons already
 */
export async function startApi(work: Work, saved?: SavedControlPlane): Promise<Api> {
  const { context, prepared, names, unwind, signal, giveUp } = work;
  const { plan, clock, say, logsDir } = context;
  const startedMs = clock.nowMs();
  void loadClient().catch(() => undefined); // who needs it says why it cannot be had
  const controlPlane = await startControlPlane({
    ...{ proxyMode: plan.proxyMode, logsDir, say, signal },
    kubernetes: imageVersions(plan).kubernetes,
    programs: prepared.programs,
    ...(prepared.criu === undefined ? {} : { criu: prepared.criu }),
    ...(saved === undefined ? {} : { saved }),
  });
  unwind.push('control plane', () => controlPlane.stop());
  void controlPlane.died.then((why) => {
    giveUp(new CoalmineError('provision', why, { wayOut: `Read the logs in ${logsDir}.` }));
  });
  const took = formatDuration(Math.round(clock.nowMs() - startedMs));
  say(`the control plane ${controlPlane.goesOn ? 'goes on' : 'is ready'} after ${took}`);
  const kube = await connectKube(controlPlane.kubeconfig, clock);
  if (saved !== undefined) return { controlPlane, kube };
  const kubeProxyImage = prepared.kubeProxyImage(kubeProxyVersions(plan).first);
  await applyAddons(kube, controlPlane, { kubeProxyImage, nodes: names });
  return { controlPlane, kube };
}
