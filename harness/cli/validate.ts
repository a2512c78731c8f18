import type { CommandModule } from 'yargs';
import { withScenario } from './options.ts';

interface Options {
  scenario: string;
  set: string[];
}

export const validateCommand: CommandModule<object, Options> = {
  command: 'validate <scenario>',
  describe: 'check a scenario; says file:line:col of what is wrong',
  builder: (yargs) => withScenario(yargs),
  handler: async ({ scenario, set }) => {
    const { planFrom } = await import('../run/plan-from.ts');
    const { plans, skipped } = planFrom({ scenario, set });
    process.stdout.write(`${scenario}: valid; ${plans.length} to run, ${skipped.length} skipped\n`);
  },
};
