/** Records when a node becomes Ready or stops being so, and its kubelet's version, as the API server says it. */
import type { KubeObject } from '../core/kube.ts';
import type { Stage } from './context.ts';

/** Resolves once the first state of every node is recorded. */
export async function watchNodes(
  { cluster, emit }: Pick<Stage, 'cluster' | 'emit'>,
  signal: AbortSignal,
): Promise<void> {
  const last = new Map<string, boolean>();
  const kubelets = new Map<string, string>();
  await cluster.kube.watch(
    { apiVersion: 'v1', kind: 'Node' },
    ({ type, object, tMs }) => {
      const node = object.metadata.name;
      const version = kubeletOf(object);
      if (version !== undefined && kubelets.get(node) !== version) {
        kubelets.set(node, version);
        emit.at({ tMs, kind: 'kubelet', node, version });
      }
      const ready = type !== 'DELETED' && isReady(object);
      if (last.get(node) === ready) return;
      last.set(node, ready);
      emit.at({ tMs, kind: 'node-ready', node, ready });
    },
    signal,
  );
}

function kubeletOf(object: KubeObject): string | undefined {
  const status = object['status'] as { nodeInfo?: { kubeletVersion?: string } } | undefined;
  return status?.nodeInfo?.kubeletVersion?.replace(/^v/, '');
}

function isReady(object: KubeObject): boolean {
  const status = object['status'] as
    { conditions?: { type: string; status: string }[] } | undefined;
  return (status?.conditions ?? []).some(
    ({ type, status: value }) => type === 'Ready' && value === 'True',
  );
}
