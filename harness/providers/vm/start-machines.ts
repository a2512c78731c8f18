/** The machines of one cluster, all at once: powered on, and watched from then on. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Program } from '../../components/bundle.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { Accel } from './accel.ts';
import { startMachine, type Machine } from './machine.ts';
import { mountMemory } from './machine-memory.ts';
import type { SavedMachine } from './machine-save.ts';
import type { VmNetwork } from './network.ts';
import { machineShape } from './versions.ts';
import { allOf, type Work } from './work.ts';

export interface Hardware {
  readonly network: VmNetwork;
  readonly accel: Accel;
  readonly program: Program;
  /** Whether they may be saved: where their memory lies is decided when they start. */
  readonly toBeSaved: boolean;
}

/**
 * Resolves as soon as their processors run. The end of one, whenever it comes, makes the work give up.
 * @param saved one for each: where it goes on; each boots where absent
 */
export async function startMachines(
  work: Work,
  { network, accel, program, toBeSaved }: Hardware,
  saved: readonly SavedMachine[] = [],
): Promise<Machine[]> {
  const { context, prepared, folder, names, unwind, signal, giveUp } = work;
  const { plan, say, logsDir } = context;
  const shape = machineShape(plan);
  const memories = path.join(folder, 'memory');
  const isKept =
    toBeSaved &&
    saved.length === 0 &&
    (await mountMemory(memories, names.length * shape.memoryMiB, unwind));
  const jobs = names.map(async (name, index) => {
    const own = path.join(folder, name);
    await mkdir(own, { recursive: true, mode: 0o700 });
    const machine = await startMachine(
      {
        ...{ name, index, runId: plan.runId, folder: own, image: prepared.image },
        ...shape,
      },
      {
        ...{ network, accel, program, say, signal },
        ...(isKept ? { memory: { file: path.join(memories, name), as: 'kept' } } : {}),
      },
      saved[index],
    );
    let ending = false;
    unwind.push(name, () => {
      ending = true;
      return machine.kill();
    });
    void machine.died.then((why) => {
      if (ending) return;
      giveUp(new CoalmineError('provision', why, { wayOut: `Read the logs in ${logsDir}.` }));
    });
    return machine;
  });
  return allOf(work, jobs);
}
