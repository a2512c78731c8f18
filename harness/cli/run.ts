import type { CommandModule } from 'yargs';
import { printJson, say, withJson, withOffline, withReports, withScenario } from './options.ts';

interface Options {
  scenario: string;
  set: string[];
  provider: 'kind' | undefined;
  reports: string;
  keep: 'never' | 'on-failure' | 'always';
  json: boolean;
  offline: boolean;
}

export const runCommand: CommandModule<object, Options> = {
  command: 'run <scenario>',
  describe: 'make a cluster, disturb it, judge it, take it away',
  builder: (yargs) =>
    withOffline(withReports(withJson(withScenario(yargs)))).option('keep', {
      choices: ['never', 'on-failure', 'always'] as const,
      default: 'never' as const,
      describe: 'keep the cluster afterwards; only with your own Docker engine',
    }),
  handler: async ({ scenario, set, provider, reports, keep, json, offline }) => {
    const [{ watchSignals }, { runScenario }] = await Promise.all([
      import('./interrupt.ts'),
      import('../run/run-scenario.ts'),
    ]);
    const interruption = watchSignals(say);
    const outcome = await runScenario({
      scenario,
      set,
      ...(provider === undefined ? {} : { provider }),
      reportsDir: reports,
      keep,
      offline,
      interruption,
      say,
      terminal: process.stderr.isTTY && process.env['CI'] === undefined,
    });
    if (outcome.document !== undefined) {
      if (json) printJson(outcome.document);
      else process.stdout.write(outcome.text);
    }
    process.exitCode = outcome.exitCode;
  },
};
