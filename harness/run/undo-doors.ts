/** The ways to a place that do not need its agent: this machine, or a command through the provider. */
import { writeFile } from 'node:fs/promises';
import { CoalmineError } from '../core/errors.ts';
import type { DoorTo } from '../disrupt/undo-door.ts';
import { local } from '../exec/local.ts';
import { runOrThrow } from '../exec/run-or-throw.ts';
import type { ManagedNode } from './context.ts';

const WRITE_MS = 10_000;

export function undoDoors(nodes: readonly ManagedNode[]): DoorTo {
  return (where) => {
    if (where === 'controller')
      return Promise.resolve({
        executor: local,
        writeFile: (file, content) => writeFile(file, content),
      });
    const found = nodes.find(({ node }) => node.name === where);
    if (found === undefined)
      return Promise.reject(new CoalmineError('undo', `there is no node ${where}`));
    const { node } = found;
    return Promise.resolve({
      executor: node,
      writeFile: async (file, content) => {
        await runOrThrow(
          node,
          { argv: ['tee', '--', file], stdin: content },
          { timeoutMs: WRITE_MS },
        );
      },
    });
  };
}
