import type { CommandModule } from 'yargs';
import { say } from './options.ts';

interface Options {
  run: string | undefined;
  all: boolean;
  'dry-run': boolean;
}

export const cleanCommand: CommandModule<object, Options> = {
  command: 'clean [run]',
  describe: 'remove what dead runs left behind; needs no run directory, and may be done twice',
  builder: (yargs) =>
    yargs
      .positional('run', {
        type: 'string',
        describe: 'run id; without it, every run whose controller is dead',
      })
      .option('all', {
        type: 'boolean',
        default: false,
        describe: 'also runs that are still alive',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'only say what would be removed',
      }),
  handler: async ({ run, all, 'dry-run': dryRun }) => {
    const { clean } = await import('../run/clean.ts');
    const removed = await clean({ ...(run === undefined ? {} : { runId: run }), all, dryRun, say });
    for (const line of removed)
      process.stdout.write(`${dryRun ? 'would remove' : 'removed'} ${line}\n`);
    if (removed.length === 0) say('nothing to clean');
  },
};
