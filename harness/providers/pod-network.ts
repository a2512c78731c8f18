/**
 * The pod network: on each node the CNI plugins `ptp`, `host-local` and `portmap` with the node's own pod range, and a
 * route to every other node's range. It is what kind's own network does, without its image and its daemon.
 */
import type { Command } from '../core/command.ts';
import { POD_SUBNET } from './cluster-networks.ts';

export const CONFLIST_FILE = '/etc/cni/net.d/10-coalmine.conflist';

export interface PodRange {
  node: string;
  /** Address of the node that others reach it by. */
  address: string;
  /** `10.244.1.0/24`. */
  podCidr: string;
}

export function cniConflist(podCidr: string): string {
  return `${JSON.stringify(
    {
      cniVersion: '0.3.1',
      name: 'coalmine',
      plugins: [
        {
          type: 'ptp',
          // Pods are seen by their own addresses everywhere; only what leaves the cluster is masqueraded, below.
          ipMasq: false,
          ipam: {
            type: 'host-local',
            dataDir: '/run/cni-ipam-state',
            routes: [{ dst: '0.0.0.0/0' }],
            ranges: [[{ subnet: podCidr }]],
          },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    },
    undefined,
    2,
  )}\n`;
}

/** What makes one node reach the pods of all others, and its own pods reach the world. */
export function routeCommands(own: PodRange, all: readonly PodRange[]): Command[] {
  return [
    ...all
      .filter((other) => other.node !== own.node)
      .map((other): Command => ({
        argv: ['ip', 'route', 'replace', other.podCidr, 'via', other.address],
      })),
    {
      argv: [
        ...(['iptables', '-w', '5', '-t', 'nat', '-A', 'POSTROUTING'] as const),
        ...[
          '-s',
          own.podCidr,
          '!',
          '-d',
          POD_SUBNET,
          '-m',
          'comment',
          '--comment',
          'coalmine egress',
        ],
        ...['-j', 'MASQUERADE'],
      ],
    },
  ];
}
