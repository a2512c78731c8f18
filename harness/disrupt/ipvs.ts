/** Asks a node for its ipvs table. */
import type { Executor } from '../core/command.ts';
import { CoalmineError } from '../core/errors.ts';
import { IP_VS_FILE, parseIpVs, type VirtualServer } from '../core/ip-vs.ts';

const ASK_MS = 10_000;

/** Throws `inject` where the node's kernel has no ipvs, or what it says is not whole. */
export async function readIpVs(node: Executor): Promise<VirtualServer[]> {
  const answer = await node.run({ argv: ['cat', IP_VS_FILE] }, { timeoutMs: ASK_MS });
  const servers = answer.exitCode === 0 ? parseIpVs(answer.stdout) : undefined;
  if (servers !== undefined) return servers;
  throw new CoalmineError('inject', `${node.name} does not show ${IP_VS_FILE}`, {
    wayOut: 'choose proxyMode ipvs, on nodes whose kernel has ip_vs',
  });
}
