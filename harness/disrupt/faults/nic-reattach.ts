/**
 * Takes a NIC out of the machine under a node and puts it back, as clouds do around a freeze (seed 000): same MAC, same
 * network behind it, but a new device in the guest, with new interrupts that somebody has to spread over the CPUs again.
 * The guest has then forgotten its address; restoring that is a part of the undo.
 */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { MachineNic, NodeAgent } from '../../core/node.ts';
import type { Fault } from './fault.ts';
import { nodeParam } from './node-param.ts';

const params = z.strictObject({
  node: nodeParam,
  nic: z
    .string()
    .regex(/^eth[1-9]\d*$/, { error: 'a NIC under test: eth1, eth2 …' })
    .default('eth1'),
  for: positiveDurationSchema.describe('how long it stays away'),
});

/** The guest's driver must let go of it, which takes long where its CPUs are busy with a flood. */
const UNDO_MS = 60_000;
const ASK_MS = 10_000;

/** What `ip -json` says; it starts in a tenth of the time of a program of ours, which a flooded node has not. */
const linksSchema = z.array(
  z.object({
    ifname: z.string(),
    /** A new device gets a new one. */
    ifindex: z.number(),
    flags: z.array(z.string()),
    addr_info: z.array(
      z.object({ local: z.string().default(''), prefixlen: z.number().default(0) }),
    ),
  }),
);

interface Seen {
  index: number;
  isUp: boolean;
  addresses: string[];
}

export const nicReattach: Fault<z.infer<typeof params>> = {
  name: 'nic-reattach',
  params,
  prepare: async ({ nic: name }, { agent, node }) => {
    const nic = node.nics?.find((one) => one.name === name);
    if (nic === undefined)
      throw new CoalmineError('inject', `${node.name} has no NIC ${name} that can be taken out`);
    const before = await look(agent, name);
    if (before === undefined)
      throw new CoalmineError('inject', `${node.name} does not see its ${name}`);
    return {
      where: 'controller',
      inject: [nic.detach],
      undo: { undo: [nic.attach], restore: [], verify: nic.verify, timeoutMs: UNDO_MS },
      // Asked before the undo and after it: what came back is another device.
      felt: async () => {
        const now = await look(agent, name);
        const how =
          now === undefined
            ? 'left'
            : now.index === before.index
              ? 'never left'
              : `came back as index ${now.index} to`;
        return {
          felt: now?.index !== before.index,
          evidence: `${name} ${how} ${node.name}; it had index ${before.index}`,
        };
      },
      notWholeYet: () => makeWhole(agent, nic, before.index),
    };
  },
};

async function makeWhole(
  agent: NodeAgent,
  { name, address }: MachineNic,
  indexBefore: number,
): Promise<string | undefined> {
  const now = await look(agent, name);
  if (now === undefined || now.index === indexBefore) return `${name} is not back yet`;
  if (now.isUp && now.addresses.includes(address)) return undefined;
  for (const words of [
    ['address', 'replace', address, 'dev', name],
    ['link', 'set', name, 'up'],
  ])
    await agent.run({ argv: ['ip', ...words] }, { timeoutMs: ASK_MS });
  return `${name} is back without its address`;
}

/** Undefined where the guest has nothing of this name. */
async function look(agent: NodeAgent, nic: string): Promise<Seen | undefined> {
  const command = { argv: ['ip', '-json', 'address', 'show'] } as const;
  const { stdout } = await agent.run(command, { timeoutMs: ASK_MS });
  const link = linksSchema.parse(JSON.parse(stdout)).find(({ ifname }) => ifname === nic);
  if (link === undefined) return undefined;
  return {
    index: link.ifindex,
    isUp: link.flags.includes('UP'),
    addresses: link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  };
}
