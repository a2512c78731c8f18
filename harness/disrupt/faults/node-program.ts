/**
 * Small programs that run on a node, given to its Node.js as `node -e PROGRAM ARGUMENT…`. Where a record can be carried
 * out at all, that binary is there: the agent is run by it. Unlike a shell line nothing is interpolated (arguments arrive
 * in process.argv), and unlike `kill`, `ps` or `awk` it is the same program on every image.
 */
import type { Command } from '../../core/command.ts';
import { NODE_DIR } from '../../core/names.ts';

export function nodeProgram(source: string, ...args: string[]): Command {
  return { argv: [`${NODE_DIR}/node`, '-e', source.trim(), ...args] };
}
