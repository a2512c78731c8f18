/**
 * Kills pods without grace, as a node under memory pressure does: `kill-pod` those of a selector, `restart-component` those
 * of kube-proxy. Nothing can be taken back; the fault is over once as many pods are Ready as before, none of them an old one.
 */
import { z } from 'zod';
import { CoalmineError } from '../../core/errors.ts';
import { NAMESPACE } from '../../core/names.ts';
import { deletePod, listPods, type Pod, type PodQuery } from '../pods.ts';
import type { Fault, FaultTarget, PreparedFault } from './fault.ts';
import { nodeParam } from './node-param.ts';
import { nothingToUndo } from './nothing-to-undo.ts';

const killParams = z.strictObject({
  selector: z.string().min(1).default('app=echo').describe('label selector of the pods'),
  namespace: z.string().min(1).default(NAMESPACE),
  node: nodeParam,
});

export const killPod: Fault<z.infer<typeof killParams>> = {
  name: 'kill-pod',
  params: killParams,
  prepare: async ({ selector, namespace }, target) => {
    const victims = { namespace, selector, node: target.node.name };
    // A Deployment may put the new pod on any node.
    return replacePods(target, victims, { namespace, selector }, 0);
  },
};

const COMPONENTS = { 'kube-proxy': { namespace: 'kube-system', selector: 'k8s-app=kube-proxy' } };

const restartParams = z.strictObject({
  component: z.enum(Object.keys(COMPONENTS) as (keyof typeof COMPONENTS)[]),
  node: nodeParam,
});

export const restartComponent: Fault<z.infer<typeof restartParams>> = {
  name: 'restart-component',
  params: restartParams,
  prepare: async ({ component }, target) => {
    const pods = { ...COMPONENTS[component], node: target.node.name };
    return replacePods(target, pods, pods, undefined);
  },
};

const WHOLE_MS = 120_000;

async function replacePods(
  { kube, node }: FaultTarget,
  victimsOf: PodQuery,
  whole: PodQuery,
  graceSeconds: number | undefined,
): Promise<PreparedFault> {
  const victims = await listPods(kube, victimsOf);
  if (victims.length === 0) {
    const where = `${victimsOf.namespace} on ${node.name}`;
    throw new CoalmineError('inject', `no pod matches ${victimsOf.selector} in ${where}`);
  }
  const readyBefore = (await listPods(kube, whole)).filter(({ ready }) => ready).length;
  const names = victims.map(({ name }) => name).join(', ');
  const left = (now: readonly Pod[]): Pod[] =>
    now.filter(({ uid }) => victims.some((victim) => victim.uid === uid));
  return {
    where: 'controller',
    inject: async () => {
      for (const pod of victims) await deletePod(kube, pod, graceSeconds);
    },
    undo: nothingToUndo(WHOLE_MS),
    felt: async () => {
      const still = left(await listPods(kube, victimsOf));
      return {
        felt: still.length === 0,
        evidence: `${victims.length - still.length} of ${victims.length} pods are gone (${names})`,
      };
    },
    notWholeYet: async () => {
      const now = await listPods(kube, whole);
      const ready = now.filter((pod) => pod.ready && left([pod]).length === 0).length;
      const survivors = now.filter((pod) => pod.ready).length - ready;
      if (survivors === 0 && ready >= readyBefore) return undefined;
      return `${ready} of ${readyBefore} pods of ${whole.selector} are Ready`;
    },
  };
}
