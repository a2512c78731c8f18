import type { CommandModule } from 'yargs';
import { printJson, withJson, withScenario } from './options.ts';

interface Options {
  scenario: string;
  set: string[];
  provider: 'kind' | undefined;
  json: boolean;
}

export const planCommand: CommandModule<object, Options> = {
  command: 'plan <scenario>',
  describe: 'print what a run would do; touches nothing and needs nothing installed',
  builder: (yargs) => withJson(withScenario(yargs)),
  handler: async ({ scenario, set, provider, json }) => {
    const { planFrom } = await import('../run/plan-from.ts');
    const planned = planFrom({ scenario, set, ...(provider === undefined ? {} : { provider }) });
    if (json) {
      printJson(planned);
      return;
    }
    const { describePlan } = await import('../run/describe-plan.ts');
    process.stdout.write(describePlan(planned));
  },
};
