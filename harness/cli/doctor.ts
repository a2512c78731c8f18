import type { CommandModule } from 'yargs';
import { printJson, withJson } from './options.ts';

export const doctorCommand: CommandModule<object, { json: boolean }> = {
  command: 'doctor',
  describe: 'say what this machine can do, and what earlier runs left on it',
  builder: (yargs) => withJson(yargs),
  handler: async ({ json }) => {
    const { examine, describeExam } = await import('../run/doctor.ts');
    const exam = await examine();
    if (json) printJson(exam);
    else process.stdout.write(describeExam(exam));
    process.exitCode = exam.usableProviders.length > 0 ? 0 : 4;
  },
};
