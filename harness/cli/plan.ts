import type { CommandModule } from 'yargs';
import { knownOf, printJson, withJson, withKnown, withScenario } from './options.ts';

interface Options {
  scenario: string;
  set: string[];
  provider: 'kind' | 'vm' | undefined;
  known: boolean;
  times: number | undefined;
  json: boolean;
}

export const planCommand: CommandModule<object, Options> = {
  command: 'plan <scenario>',
  describe:
    'print what a run would do (exit code 4: nothing); touches nothing and needs nothing installed',
  builder: (yargs) => withJson(withKnown(withScenario(yargs))),
  handler: async (options) => {
    const { scenario, set, provider, json } = options;
    const { planFrom } = await import('../run/plan-from.ts');
    const planned = planFrom({
      scenario,
      set,
      ...(provider === undefined ? {} : { provider }),
      ...knownOf(options),
    });
    // As a run would end, so that a gate which asks first is told the same.
    process.exitCode = planned.plans.length > 0 ? 0 : 4;
    if (json) {
      printJson(planned);
      return;
    }
    const { describePlan } = await import('../run/describe-plan.ts');
    process.stdout.write(describePlan(planned));
  },
};
