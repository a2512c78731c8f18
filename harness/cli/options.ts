/** Options that several commands share, said once. */
import type { Argv } from 'yargs';
import { CoalmineError } from '../core/errors.ts';

export function withScenario<T>(yargs: Argv<T>) {
  return yargs
    .positional('scenario', {
      type: 'string',
      demandOption: true,
      describe: 'name of a scenario that ships with coalmine, or path of a YAML file',
    })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      default: [] as string[],
      describe:
        'change one value: PATH=VALUE, for example kube-proxy=1.34.4 or sampling.every=100ms',
    })
    .option('provider', {
      type: 'string',
      choices: ['kind', 'vm'] as const,
      describe: 'what makes the cluster; by default the first that can serve the scenario',
    });
}

export function withKnown<T>(yargs: Argv<T>) {
  return yargs
    .option('known', {
      type: 'boolean',
      default: false,
      describe:
        'run the scenario’s controls instead: each knownBad must fail, each knownGood must pass',
    })
    .option('times', {
      type: 'number',
      describe: 'how often each control is run; only with --known',
      defaultDescription: '1',
    });
}

/** What `withKnown` read, as plans ask for it. Throws `usage`. */
export function knownOf({ known, times }: { known: boolean; times: number | undefined }) {
  if (known) return { known: { times: times ?? 1 } };
  if (times === undefined) return {};
  throw new CoalmineError('usage', '--times is for controls: give --known too');
}

export function withJson<T>(yargs: Argv<T>) {
  return yargs.option('json', {
    type: 'boolean',
    default: false,
    describe: 'print data as JSON on stdout',
  });
}

export function withReports<T>(yargs: Argv<T>) {
  return yargs.option('reports', {
    type: 'string',
    default: process.env['ARTIFACTS'] ?? 'reports',
    defaultDescription: '$ARTIFACTS, else reports',
    describe: 'folder for run directories',
  });
}

export function withOffline<T>(yargs: Argv<T>) {
  return yargs.option('offline', {
    type: 'boolean',
    default: false,
    describe: 'use only what is in the cache; fetch and build nothing',
  });
}

/** Talk goes to stderr, a line at a time. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
