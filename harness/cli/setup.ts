import type { CommandModule } from 'yargs';
import { say, withOffline } from './options.ts';

interface Options {
  scenario: string[];
  offline: boolean;
  list: boolean;
  tests: boolean;
  known: boolean;
}

export const setupCommand: CommandModule<object, Options> = {
  command: 'setup [scenario..]',
  describe: 'fetch or build ahead whatever the scenarios need (all that ship, if none is named)',
  builder: (yargs) =>
    withOffline(yargs)
      .positional('scenario', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'names or paths',
      })
      .option('known', {
        type: 'boolean',
        default: false,
        describe: 'also what the scenarios’ controls need, which `run --known` runs',
      })
      .option('tests', {
        type: 'boolean',
        default: false,
        describe: "also install what coalmine's own tests call; implies --known",
      })
      .option('list', {
        type: 'boolean',
        default: false,
        describe: 'only print what is needed, and what is in the cache',
      }),
  handler: async ({ scenario, offline, list, tests, known }) => {
    const [{ interruptible, watchSignals }, { setUp }] = await Promise.all([
      import('./interrupt.ts'),
      import('../run/setup.ts'),
    ]);
    const interruption = watchSignals(say, 'stopping; what is in the cache stays there');
    const { signal } = interruption;
    await interruptible(interruption, async () => {
      const lines = await setUp({
        scenarios: scenario,
        offline,
        listOnly: list,
        tests,
        known: known || tests,
        say,
        signal,
      });
      for (const line of lines) process.stdout.write(`${line}\n`);
    });
  },
};
