/**
 * Pid 1 of the control plane: a shell in a pid namespace of its own, which starts its programs, and ends with the first one
 * that does, so that the others end too. One tree of processes that knows nobody outside is what CRIU can save. Pure.
 */

import { prettyCommand } from '../../core/command.ts';

export interface InitProgram {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
}

/** What starts which stage after the first. A shell can wait for signals and for children at once. */
export const STAGE_SIGNALS = ['SIGUSR1', 'SIGUSR2'] as const;

/** Files in its folder: its pid as others know it, and the first program that ended, with its exit code. */
export const PID_FILE = 'init.pid';
export const ENDED_FILE = 'ended';
/** Beside the logs of its programs. */
export const INIT_LOG = 'init.log';

/** @param stages programs that start together, of one stage after the other; at most three */
export function initScript(folder: string, stages: readonly (readonly InitProgram[])[]): string {
  const [first = [], ...later] = stages;
  return [
    `${line('cd', folder)} || exit 1`,
    // Neither pipes nor sockets of whoever started it: both would be gone when it goes on elsewhere.
    `exec </dev/null >>logs/${INIT_LOG} 2>&1`,
    // CRIU cannot save MPTCP sockets, which Go's servers would listen on.
    'export GODEBUG=multipathtcp=0',
    'begin() {',
    '  name=$1',
    '  shift',
    `  { "$@" >>"logs/$name.log" 2>&1; echo "$name $?" >>${ENDED_FILE}; kill -TERM $$; } &`,
    '}',
    "trap 'exit 1' TERM",
    ...later.map((stage, index) => {
      const signal = STAGE_SIGNALS[index]?.replace('SIG', '') ?? '';
      return `stage_${signal}() {\n${begun(stage)}\n}\ntrap stage_${signal} ${signal}`;
    }),
    begun(first),
    // /proc is that of the namespace outside.
    `read -r pid rest </proc/self/stat && echo "$pid" >${PID_FILE}`,
    'while :; do wait; done',
    '',
  ].join('\n');
}

function begun(stage: readonly InitProgram[]): string {
  return stage.map(({ name, argv }) => line('begin', name, ...argv)).join('\n');
}

function line(...argv: [string, ...string[]]): string {
  return prettyCommand({ argv });
}
