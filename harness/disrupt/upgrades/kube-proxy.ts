/**
 * kube-proxy's version on one node: the DaemonSet's image is changed for all, but its update strategy is OnDelete (the
 * provider sets it), so only the node whose pod is deleted gets it. Done when kube-proxy itself says the new version: a
 * Ready pod proves an image name, not a version.
 */
import { z } from 'zod';
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import type { EventOf } from '../../core/history.ts';
import { deletePod, listPods } from '../pods.ts';
import { askProxy, type ProxySaid } from './proxy-version.ts';
import type { Upgrade, UpgradeContext, VersionChange } from './upgrade.ts';

const COMPONENT = 'kube-proxy';
const NAMESPACE = 'kube-system';
const SELECTOR = 'k8s-app=kube-proxy';
const DAEMON_SET = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  name: COMPONENT,
  namespace: NAMESPACE,
};
const POD_READY_MS = 120_000;
const ANSWER_MS = 30_000;

export const kubeProxy: Upgrade = {
  component: COMPONENT,
  run: async (change, context) => {
    say(change, context, 'started');
    try {
      await setImage(context.image(change.to), context);
      await replacePod(change, context);
      const said = await untilItSays(change, context);
      const { clock, emit } = context;
      emit({ tMs: clock.nowMs(), kind: 'proxy', node: change.node, ...said });
      say(change, context, 'done');
      sayFelt(change, context, true, `kube-proxy says ${said.version}, mode ${said.mode}`);
    } catch (error) {
      say(change, context, 'failed', messageOf(error));
      if (!context.signal.aborted) sayFelt(change, context, false, messageOf(error));
      throw error;
    }
  },
};

const daemonSetSchema = z.object({
  spec: z.object({
    updateStrategy: z.object({ type: z.string() }),
    template: z.object({
      spec: z.object({ containers: z.array(z.looseObject({ name: z.string() })) }),
    }),
  }),
});

async function setImage(image: string, { kube }: UpgradeContext): Promise<void> {
  const found = await kube.get(DAEMON_SET);
  if (found === undefined) {
    throw new CoalmineError('inject', `there is no DaemonSet ${NAMESPACE}/${COMPONENT}`);
  }
  const { updateStrategy, template } = daemonSetSchema.parse(found).spec;
  if (updateStrategy.type !== 'OnDelete') {
    throw new CoalmineError(
      'inject',
      `the DaemonSet ${COMPONENT} has the update strategy ${updateStrategy.type}: it would replace kube-proxy on every node at once`,
      { wayOut: 'Set its updateStrategy to OnDelete.' },
    );
  }
  const containers = template.spec.containers.map((container) =>
    container.name === COMPONENT ? { ...container, image } : container,
  );
  await kube.patch(DAEMON_SET, { spec: { template: { spec: { containers } } } });
}

async function replacePod({ node, to }: VersionChange, context: UpgradeContext): Promise<void> {
  const { kube, signal } = context;
  const image = context.image(to);
  const pods = { namespace: NAMESPACE, selector: SELECTOR, node };
  const old = await listPods(kube, pods);
  for (const pod of old) await deletePod(kube, pod);
  const what = `a new ${COMPONENT} pod with ${image} to be Ready on ${node}`;
  await waitFor({ what, timeoutMs: POD_READY_MS, signal }, async () => {
    const now = await listPods(kube, pods);
    return now.find(
      ({ uid, ready, images }) =>
        ready && images.includes(image) && !old.some((pod) => pod.uid === uid),
    );
  });
}

async function untilItSays(
  { node, to, agent }: VersionChange,
  { signal, answerTimeoutMs = ANSWER_MS }: UpgradeContext,
): Promise<ProxySaid> {
  let last = '';
  const what = `${COMPONENT} on ${node} to say that it is ${to}`;
  const wait = { what, timeoutMs: answerTimeoutMs, signal };
  return waitFor(wait, async () => {
    const said = await askProxy(agent);
    last = said.version;
    return said.version === to ? said : undefined;
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    const instead = last === '' ? '' : `; it says ${last}`;
    throw new CoalmineError('deadline', `${messageOf(error)}${instead}`, { cause: error });
  });
}

function say(
  { node, from, to }: VersionChange,
  { id, clock, emit }: UpgradeContext,
  state: EventOf<'upgrade'>['state'],
  detail?: string,
): void {
  const what = { id, component: COMPONENT, node, from, to, state };
  const more = detail === undefined ? {} : { detail };
  emit({ tMs: clock.nowMs(), kind: 'upgrade', ...what, ...more });
}

function sayFelt(
  { node, to }: VersionChange,
  { id, clock, emit }: UpgradeContext,
  felt: boolean,
  evidence: string,
): void {
  const disruption = `upgrade ${COMPONENT} to ${to}`;
  emit({ tMs: clock.nowMs(), kind: 'felt', id, disruption, node, felt, evidence });
}
