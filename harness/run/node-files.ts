/** What every node has of ours, whatever a node is. */
import { bundleProgram, k6ScriptsFolder } from '../components/bundle.ts';
import type { Store } from '../components/store.ts';
import type { NodeFile } from '../providers/kind/node-setup.ts';

/** Our own programs, as every node gets them beside the Node.js binary. */
export async function nodeFiles(store: Store): Promise<NodeFile[]> {
  const agent = await bundleProgram('agent', store.cache);
  const generator = await bundleProgram('generator', store.cache);
  return [
    { from: agent.path, to: 'agent.mjs' },
    { from: generator.path, to: 'generator.mjs' },
    { from: k6ScriptsFolder(), to: 'k6' },
  ];
}
