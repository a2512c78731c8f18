import type { CommandModule } from 'yargs';
import { printJson, withJson } from './options.ts';

export const listCommand: CommandModule<object, { json: boolean }> = {
  command: 'list',
  describe: 'list the scenarios that ship with coalmine',
  builder: (yargs) => withJson(yargs),
  handler: async ({ json }) => {
    const { describeScenarios } = await import('../run/describe-scenarios.ts');
    const scenarios = describeScenarios();
    if (json) {
      printJson(scenarios);
      return;
    }
    const width = Math.max(...scenarios.map(({ name }) => name.length));
    for (const { name, summary } of scenarios)
      process.stdout.write(`${name.padEnd(width)}  ${summary}\n`);
  },
};
