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
}

export function clusterOf(parts: ClusterParts): Cluster {
  const { engine, kube, nodes, creation, prepared, follower, say } = parts;
  return {
    nodes,
    kube,
    kubeconfig: creation.kubeconfig,
    loadImage: prepared.loadImage,
    kubeProxyImage: (version) => prepared.kubeProxyImage(version),
    collectLogs: async () => {
      await follower.stop();
      await collectNodeLogs(nodes, { logsDir: creation.logsDir, units: NODE_UNITS, say });
    },
    destroy: async () => {
      await follower.stop();
      await destroyCluster(engine, creation.name);
      await rm(creation.kubeconfig, { force: true });
    },
  };
}
