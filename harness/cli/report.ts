import type { CommandModule } from 'yargs';

export const reportCommand: CommandModule<object, { run: string }> = {
  command: 'report <run>',
  describe: 'write the reports of a stored run again from its verdict',
  builder: (yargs) =>
    yargs.positional('run', {
      type: 'string',
      demandOption: true,
      describe: 'run directory, for example reports/latest',
    }),
  handler: async ({ run }) => {
    const { reportRun } = await import('../run/check.ts');
    for (const file of reportRun(run)) process.stdout.write(`${file}\n`);
  },
};
