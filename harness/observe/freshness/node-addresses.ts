/** The addresses that a node has itself, without those that kube-proxy lends it in ipvs mode. */
import { z } from 'zod';
import type { Executor } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';

const ASK_MS = 30_000;
/** kube-proxy binds every Service address to this interface, so that the kernel takes packets to it for its own. */
const LENT_BY = 'kube-ipvs0';

const interfacesSchema = z.array(
  z.object({
    ifname: z.string(),
    addr_info: z.array(z.object({ local: z.string().optional() })).default([]),
  }),
);

/** Throws `command` where the node cannot say. */
export async function nodeAddresses(node: Executor, signal: AbortSignal): Promise<string[]> {
  const command = { argv: ['ip', '-json', 'address', 'show'] } as const;
  const { exitCode, stdout } = await node.run(command, { timeoutMs: ASK_MS, signal });
  if (exitCode !== 0)
    throw new CoalmineError('command', `${node.name} does not show its addresses`);
  return ownAddressesIn(stdout);
}

/** Returns the addresses in the output of `ip -json address show`. Pure. */
export function ownAddressesIn(json: string): string[] {
  const interfaces = interfacesSchema.parse(JSON.parse(json));
  return interfaces
    .filter(({ ifname }) => ifname !== LENT_BY)
    .flatMap(({ addr_info }) => addr_info.flatMap(({ local }) => local ?? []));
}
