import type { CommandModule } from 'yargs';
import { printJson, withJson } from './options.ts';

export const checkCommand: CommandModule<object, { run: string; json: boolean }> = {
  command: 'check <run>',
  describe: 'judge a stored run again; needs no cluster',
  builder: (yargs) =>
    withJson(
      yargs.positional('run', {
        type: 'string',
        demandOption: true,
        describe: 'run directory, for example reports/latest',
      }),
    ),
  handler: async ({ run, json }) => {
    const { check, textOf } = await import('../run/check.ts');
    const document = check(run);
    if (json) printJson(document);
    else process.stdout.write(textOf(document));
    process.exitCode = document.exitCode;
  },
};
