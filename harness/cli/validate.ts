import type { CommandModule } from 'yargs';
import { withScenario } from './options.ts';

interface Options {
  scenario: string;
  set: string[];
  provider: 'kind' | 'vm' | undefined;
}

export const validateCommand: CommandModule<object, Options> = {
  command: 'validate <scenario>',
  describe: 'check a scenario; says file:line:col of what is wrong',
  builder: (yargs) => withScenario(yargs),
  handler: async ({ scenario, set, provider }) => {
    const { planFrom } = await import('../run/plan-from.ts');
    const { plans, skipped } = planFrom({
      ...{ scenario, set },
      ...(provider === undefined ? {} : { provider }),
    });
    process.stdout.write(`${scenario}: valid; ${plans.length} to run, ${skipped.length} skipped\n`);
  },
};
