/**
 * Freezes the machine under a node, as a cloud does when it moves a VM (seed 000). What proves what:
 * - `felt` asks the provider, because a frozen agent cannot answer: the state that `freeze.verify` demands of a node that
 *   runs is not there. It proves that the provider's switch is on, and no more.
 * - That the node's processes really stood still is proved from inside and afterwards: the agent's own ticks have a gap as
 *   long as the freeze (event `agent-gap`), which the checker fault-was-felt compares with the length asked for.
 * Where `freeze.stops` is `processes`, kernel, softirq and timers went on; that is not the seed's freeze, and is said so.
 */
import { z } from 'zod';
import { durationSchema } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { MachineFreeze } from '../../core/node.ts';
import type { Fault, FaultTarget, Felt } from './fault.ts';
import { nodeParam } from './node-param.ts';

const params = z.strictObject({ node: nodeParam, for: durationSchema });

const UNDO_MS = 20_000;
const ASK_MS = 4_000;

export const freeze: Fault<z.infer<typeof params>> = {
  name: 'freeze',
  params,
  prepare: (_, target) => {
    const machine = target.node.freeze;
    if (machine === undefined) {
      const why = `this provider cannot freeze ${target.node.name}`;
      return Promise.reject(new CoalmineError('inject', why));
    }
    return Promise.resolve({
      where: 'controller',
      inject: [machine.inject],
      undo: { undo: [machine.undo], restore: [], verify: machine.verify, timeoutMs: UNDO_MS },
      felt: () => isFrozen(machine, target),
    });
  },
};

/** A question that fails (the engine is away) is no proof: only another answer than that of a running node is. */
async function isFrozen(machine: MachineFreeze, { controller, node }: FaultTarget): Promise<Felt> {
  const { command, exitCode, stdout } = machine.verify;
  const answer = await controller.run(command, { timeoutMs: ASK_MS });
  const said = answer.stdout.trim();
  const felt =
    stdout === undefined
      ? answer.exitCode !== null && answer.exitCode !== exitCode
      : answer.exitCode === exitCode && said !== stdout.trim();
  const reading = `asked whether ${node.name} runs, the provider said ${JSON.stringify(said)} (exit ${answer.exitCode ?? 'by signal'})`;
  return { felt, evidence: `${reading}; ${machine.stops} stop` };
}
