/**
 * Where the real programs of a test come from: the folder COALMINE_TEST_BIN, else the component store. In CI the store
 * makes what it lacks; elsewhere a test does not build for minutes unasked.
 */
import path from 'node:path';
import type { ComponentRef } from '../../harness/components/component.ts';
import { createStore } from '../../harness/components/store.ts';

/** Returns its path, or undefined where it is not cached. */
export async function findComponent(ref: ComponentRef): Promise<string | undefined> {
  const folder = process.env['COALMINE_TEST_BIN'];
  if (folder !== undefined) return path.join(folder, fileName(ref));
  const store = createStore();
  if (process.env['CI'] !== 'true') return (await store.lookUp(ref))?.artifact.path;
  const context = { say: console.warn, signal: new AbortController().signal };
  return (await store.ensure(ref, context)).path;
}

function fileName({ component, version }: ComponentRef): string {
  return component === 'etcd' ? component : `${component}-${version}`;
}
