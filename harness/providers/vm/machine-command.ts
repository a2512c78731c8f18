/**
 * What the stand-alone program `machine` can be told. Commands of the undo journal must be argv arrays that another process
 * can run: this is their language, read by the program and written by whoever prepares an undo.
 */
import type { Command } from '../../core/command.ts';

/** What every command needs to know about a machine. */
export interface MachineHandle {
  readonly name: string;
  /** Monitor socket that is kept free for commands. */
  readonly socket: string;
  readonly process: { readonly pid: number; readonly startTicks: string };
  /** The bundled program. */
  readonly program: string;
}

/** `monitor` verbs speak QMP to the socket; `process` verbs signal QEMU itself. */
export const MONITOR_VERBS = [
  ...(['suspend', 'resume', 'is-running', 'reset', 'power-off', 'power-on'] as const),
  ...(['detach', 'attach', 'has-device'] as const),
] as const;
export const PROCESS_VERBS = ['stall', 'continue', 'is-going'] as const;
export type MonitorVerb = (typeof MONITOR_VERBS)[number];
export type ProcessVerb = (typeof PROCESS_VERBS)[number];

export function monitorCommand(
  { name, socket, program }: MachineHandle,
  verb: MonitorVerb,
  argument?: string,
): Command {
  const rest = argument === undefined ? [] : [argument];
  return { argv: [process.execPath, program, verb, name, socket, ...rest] };
}

export function processCommand(
  { name, process: { pid, startTicks }, program }: MachineHandle,
  verb: ProcessVerb,
): Command {
  return { argv: [process.execPath, program, verb, name, String(pid), startTicks] };
}
