/** Records what kube-proxy itself says it is: a wrong mode or version would make every other reading meaningless. */
import { waitFor } from '../core/deadline.ts';
import { messageOf } from '../core/errors.ts';
import { askProxy } from '../disrupt/upgrades/proxy-version.ts';
import type { Stage } from './context.ts';

/** A node without KVM that just became one may not answer the first question. */
const ANSWER_MS = 30_000;
const AGAIN_MS = 1_000;

/** Never rejects: a kube-proxy that does not answer is recorded as `unknown`, with a note that says why. */
export async function recordProxies({
  emit,
  nodes,
  signal,
}: Pick<Stage, 'emit' | 'nodes' | 'signal'>): Promise<void> {
  await Promise.all(
    nodes.map(async ({ node, agent }) => {
      const what = `kube-proxy on ${node.name} to say what it is`;
      const wait = { what, timeoutMs: ANSWER_MS, everyMs: AGAIN_MS, signal };
      try {
        const said = await waitFor(wait, () => askProxy(agent));
        emit.now({ kind: 'proxy', node: node.name, ...said });
      } catch (error) {
        emit.now({ kind: 'note', text: messageOf(error) });
        emit.now({ kind: 'proxy', node: node.name, mode: 'unknown', version: 'unknown' });
      }
    }),
  );
}
