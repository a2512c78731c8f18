/** Records what kube-proxy itself says it is: a wrong mode or version would make every other reading meaningless. */
import { messageOf } from '../core/errors.ts';
import { askProxy } from '../disrupt/upgrades/proxy-version.ts';
import type { Stage } from './context.ts';

/** Never rejects: a kube-proxy that does not answer is recorded as `unknown`, with a note that says why. */
export async function recordProxies({ emit, nodes }: Pick<Stage, 'emit' | 'nodes'>): Promise<void> {
  await Promise.all(
    nodes.map(async ({ node, agent }) => {
      try {
        emit.now({ kind: 'proxy', node: node.name, ...(await askProxy(agent)) });
      } catch (error) {
        emit.now({ kind: 'note', text: messageOf(error) });
        emit.now({ kind: 'proxy', node: node.name, mode: 'unknown', version: 'unknown' });
      }
    }),
  );
}
