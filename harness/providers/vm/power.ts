/** The switch of a machine, as commands of the controller. */
import type { MachinePower } from '../../core/node.ts';
import { monitorCommand, type MachineHandle } from './machine-command.ts';

export function machinePower(machine: MachineHandle): MachinePower {
  return {
    reset: monitorCommand(machine, 'reset'),
    off: monitorCommand(machine, 'power-off'),
    on: monitorCommand(machine, 'power-on'),
    verify: { command: monitorCommand(machine, 'is-running'), exitCode: 0 },
  };
}
