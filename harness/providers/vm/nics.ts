/** The NICs under test as something that can be taken out and put back: same netdev, same MAC, new interrupts. */
import type { MachineNic } from '../../core/node.ts';
import { testNicAddress, testNicHostAddress, withPrefix } from './addresses.ts';
import { monitorCommand, type MachineHandle } from './machine-command.ts';
import type { MachineSpec } from './machine.ts';
import { testTap } from './network.ts';
import { macOf, testNicDevice, testNicIds } from './qemu.ts';

export function machineNics(spec: MachineSpec, machine: MachineHandle): MachineNic[] {
  const { index, testNics } = spec;
  return Array.from({ length: testNics }, (_, nic) => {
    const { id } = testNicIds(nic);
    return {
      // eth0 is the management network.
      name: `eth${nic + 1}`,
      mac: macOf(index, nic + 1),
      address: withPrefix(testNicAddress(index, nic)),
      peer: { link: testTap(index, nic), address: testNicHostAddress(index, nic) },
      detach: monitorCommand(machine, 'detach', id),
      attach: monitorCommand(machine, 'attach', JSON.stringify(testNicDevice(spec, nic))),
      verify: { command: monitorCommand(machine, 'has-device', id), exitCode: 0 },
    };
  });
}
