/**
 * The machines of a cluster need not boot: the first one that did is saved before it joins, and later ones go on from
 * there. It has no certificate, no name and no pod by then, so that nothing of another run's cluster can be in it: what it
 * is, it becomes by being made fresh and by joining. Nothing here can fail a run: without a snapshot, machines boot.
 */
import { formatBytes, freeBytes } from '../../components/disk.ts';
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { demandQemu, type Accel } from './accel.ts';
import type { Hand } from './hand.ts';
import type { ProvisionContext } from '../provider.ts';
import { savedIn } from './machine-save.ts';
import type { Continuing, Machine } from './machine.ts';
import type { Prepared } from './prepare.ts';
import { snapshotInputs, snapshotKey } from './snapshot-key.ts';
import {
  holdSnapshot,
  makeSnapshot,
  removeSnapshot,
  type HeldSnapshot,
  type SnapshotCache,
} from './snapshot-store.ts';
import { machineShape } from './versions.ts';
import type { Work } from './work.ts';

export interface Snapshot {
  /** What machines can go on from; undefined where they must boot. */
  find(accel: Accel): Promise<Continuing | undefined>;
  /** What was found cannot be used: it is removed, once. */
  spoil(why: string): Promise<void>;
  /** Saves a machine that has booted, where none was found. */
  save(machine: Machine, hand: Hand): Promise<void>;
}

/** One of a small machine has about 300 MB. */
const BOUNDS = { count: 4, bytes: 4e9 };
const MIB = 1_048_576;
const BOOTED_MS = 120_000;

export const NO_SNAPSHOT: Snapshot = {
  find: () => Promise.resolve(undefined),
  spoil: () => Promise.resolve(),
  save: () => Promise.resolve(),
};

export interface SnapshotUser extends Pick<Work, 'signal' | 'unwind'> {
  readonly context: Pick<ProvisionContext, 'say' | 'plan' | 'clock'>;
  readonly prepared: Pick<Prepared, 'image'>;
}

export function useSnapshot(work: SnapshotUser, cache: SnapshotCache): Snapshot {
  const { context, prepared, signal, unwind } = work;
  const { say, plan, clock } = context;
  let inputs: string[] | undefined;
  let held: HeldSnapshot | undefined;

  const remove = async (why: string, key: string): Promise<void> => {
    const mine = held;
    held = undefined;
    say(`the saved machine ${key} cannot be used, and is made anew: ${why}`);
    await mine?.release();
    await removeSnapshot(cache, key, signal);
  };
  return {
    find: async (accel) => {
      const spec = { ...machineShape(plan), image: prepared.image };
      const wanted = snapshotInputs(spec, { accel: accel.kind, qemu: await demandQemu() });
      const key = snapshotKey(wanted);
      inputs = wanted;
      const found = await holdSnapshot(cache, key, signal);
      if (typeof found === 'string') await remove(found, key);
      if (found === undefined || typeof found === 'string') return undefined;
      held = found;
      unwind.push('snapshot', () => found.release());
      return { saved: savedIn(found.folder), checked: checkOf(found) };
    },
    spoil: async (why) => {
      if (held !== undefined && inputs !== undefined) await remove(why, snapshotKey(inputs));
    },
    save: async (machine, hand) => {
      // The disk of one that goes on from a saved one is made of that one's.
      if (inputs === undefined || held !== undefined || machine.isContinued) return;
      const key = snapshotKey(inputs);
      const fromMs = clock.nowMs();
      const refusal = await roomRefusal(cache.snapshots, machine.spec.memoryMiB * MIB);
      if (refusal !== undefined) {
        say(refusal);
        return;
      }
      let isSaved: () => void = () => undefined;
      const saved = new Promise<void>((resolve) => (isSaved = resolve));
      const made = makeSnapshot(
        cache,
        { key, inputs },
        { signal, bounds: BOUNDS },
        async (folder) => {
          const wait = ['systemctl', 'is-system-running', '--wait'] as const;
          await hand.run({ argv: wait }, { timeoutMs: BOOTED_MS, signal });
          await machine.save(folder, () => {
            hand.close();
          });
          const tookMs = Math.round(clock.nowMs() - fromMs);
          say(`${hand.name} was saved in ${formatDuration(tookMs)}: later runs need not boot`);
          isSaved();
        },
      ).catch((error: unknown) => {
        if (!signal.aborted) say(`${hand.name} was not saved: ${messageOf(error)}`);
      });
      // The machine goes on while what was written is read again for its checksum.
      unwind.push('snapshot', () => made.then(() => undefined));
      await Promise.race([saved, made]);
    },
  };
}

async function checkOf(found: HeldSnapshot): Promise<void> {
  const damage = await found.damage();
  if (damage !== undefined) throw new CoalmineError('provision', damage);
}

async function roomRefusal(folder: string, needBytes: number): Promise<string | undefined> {
  const haveBytes = await freeBytes(folder);
  if (haveBytes >= needBytes) return undefined;
  return `no machine is saved for later runs: there are ${formatBytes(haveBytes)} free in ${folder}`;
}
