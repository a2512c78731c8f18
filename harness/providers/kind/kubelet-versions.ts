/** Whether each node runs the kubelet that the plan names: what is said of a wrong one would be said of the right one. */
import { z } from 'zod';
import { CoalmineError } from '../../core/errors.ts';
import type { KubeApi } from '../../core/kube.ts';

const nodeSchema = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.object({ nodeInfo: z.object({ kubeletVersion: z.string() }) }),
});

/** @param versions of the nodes, in the same order */
export async function demandKubelets(
  kube: KubeApi,
  nodes: readonly string[],
  versions: readonly string[],
): Promise<void> {
  const found = new Map(
    (await kube.list({ apiVersion: 'v1', kind: 'Node' })).map((object) => {
      const { metadata, status } = nodeSchema.parse(object);
      return [metadata.name, status.nodeInfo.kubeletVersion.replace(/^v/, '')];
    }),
  );
  const wrong = nodes.flatMap((node, index) => {
    const [said = 'none', wanted = ''] = [found.get(node), versions[index]];
    return said === wanted ? [] : [`the kubelet of ${node} is ${said}, not ${wanted}`];
  });
  if (wrong.length === 0) return;
  throw new CoalmineError('provision', wrong.join('; '), {
    wayOut: 'The node image holds another version than its name says: remove it from the engine.',
  });
}
