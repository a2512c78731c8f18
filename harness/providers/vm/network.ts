/**
 * The links between the nodes: one bridge for the cluster's own network, on which this side is the API server's address,
 * and for each NIC under test a network of its own that only this side shares. Made in the current network namespace,
 * which is the run's own, and gone with it.
 */
import type { Command } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { SERVICE_SUBNET } from '../cluster-networks.ts';
import {
  API_ADDRESS,
  API_ADDRESS_OF_KUBELETS,
  testNicHostAddress,
  withPrefix,
} from './addresses.ts';

const BRIDGE = 'coalmine0';
/** Always the same: a node that goes on from a saved one knows it. */
const BRIDGE_MAC = '52:54:00:c0:ff:ff';
const NODES_MAX = 10;
const LIMITS = { timeoutMs: 10_000, code: 'provision' } as const;

export interface VmNetwork {
  /** Makes the taps of one node; multi-queue where a test NIC has more than one. Nobody hears it yet. Idempotent. */
  addNode(node: { index: number; testNics: number; queues: number }): Promise<void>;
  /** Connects it with the cluster's own network. Idempotent. */
  plugIn(index: number): Promise<void>;
  /** Idempotent. Taps in use go when their QEMU goes. */
  close(): Promise<void>;
}

export function managementTap(index: number): string {
  return `cm${index}`;
}

/** @param nic from 0, as in `testNicAddress` */
export function testTap(index: number, nic: number): string {
  return `cm${index}n${nic}`;
}

/** Makes the bridge. Inside the run's namespaces only: it takes no name that another could have there. */
export async function createNetwork(): Promise<VmNetwork> {
  const made: string[] = [];
  const close = async (): Promise<void> => {
    for (const link of made.splice(0).toReversed())
      await local.run({ argv: ['ip', 'link', 'delete', link] }, LIMITS);
  };
  const add = async (link: string, commands: readonly Command[]): Promise<void> => {
    if (made.includes(link)) return;
    made.push(link);
    try {
      for (const command of commands) await runOrThrow(local, command, LIMITS);
    } catch (error) {
      await close();
      throw error;
    }
  };
  await add(BRIDGE, bridgeCommands());
  return {
    addNode: async ({ index, testNics, queues }) => {
      if (index >= NODES_MAX)
        throw new CoalmineError('preflight', `a vm cluster has at most ${NODES_MAX} nodes`);
      await add(managementTap(index), managementCommands(index));
      for (let nic = 0; nic < testNics; nic += 1)
        await add(testTap(index, nic), testCommands(index, nic, queues));
    },
    plugIn: async (index) => {
      const argv = ['ip', 'link', 'set', managementTap(index), 'master', BRIDGE] as const;
      await runOrThrow(local, { argv }, LIMITS);
    },
    close,
  };
}

/**
 * A pod that asks for a Service before kube-proxy has a rule for it is told so at once by this side, which is its default
 * gateway; without an answer it would wait out TCP's patience, and CoreDNS, the first pod, would lose half a minute.
 */
function bridgeCommands(): Command[] {
  return [
    {
      argv: [
        ...(['ip', 'link', 'add', BRIDGE, 'address', BRIDGE_MAC] as const),
        ...['type', 'bridge', 'forward_delay', '0'],
      ],
    },
    ...[API_ADDRESS, API_ADDRESS_OF_KUBELETS].map((address): Command => ({
      argv: ['ip', 'addr', 'add', withPrefix(address), 'dev', BRIDGE],
    })),
    { argv: ['ip', 'link', 'set', BRIDGE, 'up'] },
    // It belongs to no link, and stays when ours go: the next cluster of this run meets it.
    { argv: ['ip', 'route', 'replace', 'unreachable', SERVICE_SUBNET] },
    { argv: ['sysctl', '--quiet', '--write', 'net.ipv4.ip_forward=1'] },
  ];
}

function managementCommands(index: number): Command[] {
  const tap = managementTap(index);
  return [
    { argv: ['ip', 'tuntap', 'add', tap, 'mode', 'tap'] },
    { argv: ['ip', 'link', 'set', tap, 'up'] },
  ];
}

function testCommands(index: number, nic: number, queues: number): Command[] {
  const tap = testTap(index, nic);
  const many = queues === 1 ? [] : ['multi_queue'];
  return [
    { argv: ['ip', 'tuntap', 'add', tap, 'mode', 'tap', ...many] },
    { argv: ['ip', 'addr', 'add', withPrefix(testNicHostAddress(index, nic)), 'dev', tap] },
    { argv: ['ip', 'link', 'set', tap, 'up'] },
  ];
}
