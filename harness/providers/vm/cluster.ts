/** A cluster of machines as the rest of the house sees it. */
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import type { Unwind } from '../../core/unwind.ts';
import type { LogFollower } from '../kube-proxy-logs.ts';
import { collectNodeLogs, NODE_UNITS } from '../node-logs.ts';
import type { Cluster, ClusterNode, ProvisionContext } from '../provider.ts';
import type { Machine } from './machine.ts';
import type { Prepared } from './prepare.ts';
import { machineFiles } from './qemu.ts';
import type { Api } from './start-api.ts';

export interface ClusterParts {
  context: ProvisionContext;
  prepared: Prepared;
  api: Api;
  nodes: readonly ClusterNode[];
  machines: readonly Machine[];
  follower: LogFollower;
  unwind: Unwind;
  broken: AbortSignal;
}

export function clusterOf(parts: ClusterParts): Cluster {
  const { context, prepared, api, nodes, machines, follower, unwind, broken } = parts;
  const { plan, say, logsDir } = context;
  const { irqbalance } = plan.components;
  const units = [...NODE_UNITS, ...(irqbalance === undefined ? [] : ['irqbalance'])];
  return {
    nodes,
    kube: api.kube,
    kubeconfig: api.controlPlane.kubeconfig,
    loadImage: prepared.loadImage,
    kubeProxyImage: (version) => prepared.kubeProxyImage(version),
    broken,
    collectLogs: async () => {
      await follower.stop();
      await collectNodeLogs(nodes, { logsDir, units, say });
      await copyConsoles(machines, logsDir, say);
    },
    destroy: async () => {
      const left = await unwind.run();
      if (left.length === 0) return;
      const problems = left.map(({ title, error }) => `${title}: ${messageOf(error)}`);
      throw new CoalmineError('provision', `the cluster is not gone: ${problems.join('; ')}`, {
        wayOut: 'Run `coalmine clean`.',
      });
    },
  };
}

/** Of machines that still are, and of those that are not. Never throws. */
export async function copyConsoles(
  machines: readonly Machine[],
  logsDir: string,
  say: (line: string) => void,
): Promise<void> {
  for (const { spec } of machines) {
    const target = path.join(logsDir, spec.name, 'console.log');
    try {
      await mkdir(path.dirname(target), { recursive: true });
      await copyFile(machineFiles(spec).console, target);
    } catch (error) {
      say(`no ${target}: ${messageOf(error)}`);
    }
  }
}
