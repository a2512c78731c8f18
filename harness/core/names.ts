/** Names that more than one room must agree on. */

/** Where the workload under test and the load pods live. */
export const NAMESPACE = 'coalmine';

/** On every object that coalmine makes, in Docker and in Kubernetes: the run it belongs to. */
export const RUN_LABEL = 'coalmine.dev/run';

/** Folder on a node (and, read-only, in load pods) with `node`, `agent.mjs`, `generator.mjs` and `k6/*.ts`. */
export const NODE_DIR = '/coalmine';
