/**
 * Whether it can be said at all that every node is as it was before the run. What differs makes the run dirty, which
 * stands beside the verdict; a proof that could not be made leaves the verdict open. Always checked.
 */
import { z } from 'zod';
import { eventsOf } from '../../core/history.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({});

export const cleanNode: Checker<z.infer<typeof params>> = {
  name: 'clean-node',
  params,
  check: (history) => {
    const proofs = eventsOf(history, 'node-compared');
    const nodes = new Set(proofs.map(({ node }) => node)).size;
    const wanted = history.plan.nodes;
    const aspects = proofs.reduce((sum, { compared }) => sum + compared.length, 0);
    return conclude('clean-node', {
      failures: [],
      gaps: [
        ...proofs
          .filter(({ missing }) => missing.length > 0)
          .map(
            ({ node, missing }) =>
              `${node} could not be compared with how it was before: ${missing.join(', ')}`,
          ),
        ...(nodes < wanted
          ? [`only ${nodes} of ${wanted} nodes were compared with how they were before`]
          : []),
      ],
      evidence: { nodes, aspects },
      pass: `${aspects} aspects of ${nodes} nodes were compared with how they were before`,
    });
  },
};
