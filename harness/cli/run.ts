import type { CommandModule } from 'yargs';
import {
  knownOf,
  printJson,
  say,
  withJson,
  withOffline,
  withReports,
  withKnown,
  withScenario,
} from './options.ts';

interface Options {
  scenario: string;
  set: string[];
  provider: 'kind' | 'vm' | undefined;
  known: boolean;
  times: number | undefined;
  reports: string;
  keep: 'never' | 'on-failure' | 'always';
  json: boolean;
  offline: boolean;
  images: 'built' | 'published';
  registry: string | undefined;
}

export const runCommand: CommandModule<object, Options> = {
  command: 'run <scenario>',
  describe: 'make a cluster, disturb it, judge it, take it away',
  builder: (yargs) =>
    withOffline(withReports(withJson(withKnown(withScenario(yargs)))))
      .option('keep', {
        choices: ['never', 'on-failure', 'always'] as const,
        default: 'never' as const,
        describe:
          'keep the cluster afterwards, on-failure: where the run did not pass; only with your own Docker engine',
      })
      .option('images', {
        choices: ['built', 'published'] as const,
        default: 'built' as const,
        describe: 'make node images here, or pull those that kind and Kubernetes publish',
      })
      .option('registry', {
        type: 'string',
        describe: 'mirror that takes the place of the public registries, for --images published',
      }),
  handler: async (options) => {
    const { scenario, set, provider, reports, keep, json, offline, images, registry } = options;
    const [{ interruptible, watchSignals }, { runScenario }] = await Promise.all([
      import('./interrupt.ts'),
      import('../run/run-scenario.ts'),
    ]);
    const interruption = watchSignals(say);
    await interruptible(interruption, async () => {
      const outcome = await runScenario({
        scenario,
        set,
        ...(provider === undefined ? {} : { provider }),
        ...knownOf(options),
        reportsDir: reports,
        keep,
        offline,
        images: { images, ...(registry === undefined ? {} : { registry }) },
        interruption,
        say,
        terminal: process.stderr.isTTY && process.env['CI'] === undefined,
      });
      if (outcome.document !== undefined) {
        if (json) printJson(outcome.document);
        else process.stdout.write(outcome.text);
      }
      process.exitCode = outcome.exitCode;
    });
  },
};
