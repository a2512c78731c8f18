/** The machines of one cluster, all at once: powered on, and watched from then on. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Program } from '../../components/bundle.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { findAccel } from './accel.ts';
import { startMachine, type Continuing, type Machine } from './machine.ts';
import type { VmNetwork } from './network.ts';
import type { Snapshot } from './snapshot.ts';
import { machineShape } from './versions.ts';
import { allOf, type Work } from './work.ts';

/** Resolves as soon as their processors run. The end of one, whenever it comes, makes the work give up. */
export async function startMachines(
  work: Work,
  network: VmNetwork,
  program: Program,
  snapshot: Snapshot,
): Promise<Machine[]> {
  const { context, prepared, folder, names, unwind, signal, giveUp } = work;
  const { plan, say, logsDir } = context;
  const accel = await findAccel({ kernel: prepared.image.kernel });
  say(`machines run on ${accel.kind === 'kvm' ? 'KVM' : `TCG, without KVM: ${accel.reason}`}`);
  const from = await snapshot.find(accel);
  from?.checked.catch(() => undefined); // each machine that goes on from it asks
  const start = startWith(snapshot, from);
  const jobs = names.map(async (name, index) => {
    const own = path.join(folder, name);
    await mkdir(own, { recursive: true, mode: 0o700 });
    const machine = await start(
      {
        ...{ name, index, runId: plan.runId, folder: own, image: prepared.image },
        ...machineShape(plan),
      },
      { network, accel, program, say, signal },
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

/** Goes on from what was saved where that can be; else boots. */
function startWith(snapshot: Snapshot, from: Continuing | undefined): typeof startMachine {
  return async (spec, deps) => {
    if (from === undefined) return startMachine(spec, deps);
    try {
      return await startMachine(spec, deps, from);
    } catch (error) {
      deps.signal.throwIfAborted();
      await snapshot.spoil(messageOf(error));
      return startMachine(spec, deps);
    }
  };
}
