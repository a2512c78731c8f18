/** The Node.js that runs the controller is also the one for nodes: same architecture, already here, surely works. */
import { copyFile } from 'node:fs/promises';
import { CoalmineError } from '../../core/errors.ts';
import type { ComponentRef } from '../component.ts';
import type { Provenance, Source } from './source.ts';

export const processSource: Source = { name: 'process', fetch: copyOwnNode };

async function copyOwnNode(ref: ComponentRef, file: string): Promise<Provenance> {
  const reason = whyNotPortable(ref, process);
  if (reason !== undefined) throw new CoalmineError('component', reason);
  await copyFile(process.execPath, file);
  return { origin: process.execPath, toolchain: `node${process.versions.node}`, build: 'none' };
}

/** What of `process` decides whether its executable runs on a plain Debian node. */
export interface RunningNode {
  platform: string;
  versions: { node: string };
  config: { variables: object };
}

/** A Node.js that is linked against shared libraries of its distribution would not start elsewhere. */
export function whyNotPortable(ref: ComponentRef, running: RunningNode): string | undefined {
  if (running.platform !== 'linux') return `this one is for ${running.platform}`;
  if (ref.version !== running.versions.node) return `this one is ${running.versions.node}`;
  const shared = Object.entries(running.config.variables).find(
    ([name, value]) => name.startsWith('node_shared') && value !== false && value !== 'false',
  );
  return shared === undefined ? undefined : `this one needs shared libraries (${shared[0]})`;
}
