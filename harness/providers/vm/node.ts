/** A node that is a machine: commands go through the provider's own hand, the run's agent has a port to itself. */
import type { ClusterNode } from '../provider.ts';
import { nodeAddress } from './addresses.ts';
import type { Hand } from './hand.ts';
import type { Machine } from './machine.ts';

export function vmNode(machine: Machine, hand: Hand): ClusterNode {
  const { name, index } = machine.spec;
  return {
    name,
    role: 'worker',
    addresses: [nodeAddress(index)],
    freezes: machine.freezes,
    nics: machine.nics,
    power: machine.power,
    run: (command, options) => hand.run(command, options),
    startAgent: () => machine.openPort('agent'),
  };
}
