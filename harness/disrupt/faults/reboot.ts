/**
 * Reboots the machine under a node: `graceful` as an operator does it (the node is told, and ends its services first), or by
 * `reset`, as a watchdog or a cloud's reset button does (nothing is told, and nothing is written back).
 */
import { z } from 'zod';
import { prettyCommand } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { NodeAgent } from '../../core/node.ts';
import type { Fault } from './fault.ts';
import { nodeParam } from './node-param.ts';
import { BACK_MS, must, restarting, switchOf } from './restart.ts';

const params = z.strictObject({
  node: nodeParam,
  how: z
    .enum(['graceful', 'reset'])
    .default('graceful')
    .describe('graceful: the node is told, and ends its services; reset: the button'),
});

export const reboot: Fault<z.infer<typeof params>> = {
  name: 'reboot',
  params,
  prepare: async ({ how }, { node, agent, controller, restartBy }) => {
    const { power, restartBy: restart } = switchOf(node, restartBy);
    return Promise.resolve({
      where: 'controller',
      // A machine that reboots comes back by itself; what is left to confirm is that it runs.
      undo: { undo: [], restore: [], verify: power.verify, timeoutMs: BACK_MS },
      over: () => Promise.resolve(),
      ...restarting({ node, agent }, restart, {
        why: `the fault reboot (${how})`,
        offMs: 0,
        deed: () => (how === 'reset' ? must(controller, power.reset) : tell(agent)),
      }),
    });
  },
};

const TELL_MS = 20_000;

/** Where it works, the shutdown may end the command itself, by a signal: what proves it is the boot that follows. */
async function tell(agent: NodeAgent): Promise<void> {
  const command = { argv: ['systemctl', '--no-block', 'reboot'] } as const;
  const { exitCode, stderr } = await agent.run(command, { timeoutMs: TELL_MS });
  if (exitCode === 0 || exitCode === null) return;
  const what = `\`${prettyCommand(command)}\` ended with ${exitCode}`;
  throw new CoalmineError('inject', `${what}: ${stderr.trim().slice(-500)}`);
}
