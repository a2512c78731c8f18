/** CRIU, which a run can do without: a saved control plane starts again then, which takes a second or two. */
import type { StoreContext } from '../components/component.ts';
import { PINS } from '../components/plan-components.ts';
import type { Store } from '../components/store.ts';
import { produceUnpacked } from '../components/unpacked.ts';
import { messageOf } from '../core/errors.ts';
import type { Criu } from '../providers/vm/checkpoint.ts';

const REF = { component: 'criu', version: PINS.criu } as const;
const NEED_BYTES = 60_000_000;

/** Where it cannot be had, it is said once. */
export async function fetchCriu(store: Store, context: StoreContext): Promise<void> {
  try {
    await produceUnpacked(store, await store.ensure(REF, context), NEED_BYTES, context);
  } catch (error) {
    context.signal.throwIfAborted();
    context.say(`control planes that were saved will start again each time: ${messageOf(error)}`);
  }
}

/** Asks nobody but the cache. */
export async function findCriu(store: Store): Promise<Criu | undefined> {
  const packed = await store.lookUp(REF);
  if (packed === undefined) return undefined;
  const context = { say: () => undefined, signal: new AbortController().signal };
  const { path } = await produceUnpacked(store, packed.artifact, NEED_BYTES, context);
  return { folder: path };
}
