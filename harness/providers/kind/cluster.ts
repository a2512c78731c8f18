/** A kind cluster as the rest of the house sees it. */
import { rm } from 'node:fs/promises';
import type { KubeApi } from '../../core/kube.ts';
import type { Cluster, ClusterNode } from '../provider.ts';
import type { Creation } from './create.ts';
import { destroyCluster } from './destroy.ts';
import type { Engine } from './engine.ts';
import type { LogFollower } from '../kube-proxy-logs.ts';
import { collectNodeLogs, NODE_UNITS } from '../node-logs.ts';
import type { Prepared } from './prepare.ts';

export interface ClusterParts {
  engine: Engine;
  kube: KubeApi;
  nodes: readonly ClusterNode[];
  creation: Creation;
  prepared: Prepared;
  follower: LogFollower;
  say: (line: string) => void;
  ready: Promise<void>;
  /** Aborted when the cluster is left: nobody waits any longer for it to be Ready. */
  gone: AbortController;
}

export function clusterOf(parts: ClusterParts): Cluster {
  const { engine, kube, nodes, creation, prepared, follower, say, ready, gone } = parts;
  return {
    nodes,
    kube,
    ready,
    kubeconfig: creation.kubeconfig,
    loadImage: prepared.loadImage,
    kubeProxyImage: (version) => prepared.kubeProxyImage(version),
    collectLogs: async () => {
      gone.abort();
      await follower.stop();
      await collectNodeLogs(nodes, { logsDir: creation.logsDir, units: NODE_UNITS, say });
    },
    destroy: async () => {
      gone.abort();
      await follower.stop();
      await destroyCluster(engine, creation.name);
      await rm(creation.kubeconfig, { force: true });
    },
  };
}
