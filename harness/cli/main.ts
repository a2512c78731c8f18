/**
 * The `coalmine` command. One file a command; what a command does is loaded only when it is asked for, so that
 * `--help` stays fast. stdout is data, stderr is talk.
 */
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { worstExitCode } from '../core/exit-code.ts';
import { checkCommand } from './check.ts';
import { cleanCommand } from './clean.ts';
import { doctorCommand } from './doctor.ts';
import { explain, exitCodeOf } from './explain.ts';
import { listCommand } from './list.ts';
import { planCommand } from './plan.ts';
import { reportCommand } from './report.ts';
import { runCommand } from './run.ts';
import { setupCommand } from './setup.ts';
import { validateCommand } from './validate.ts';
import { coalmineVersion } from '../run/package.ts';

async function main(argv: string[]): Promise<void> {
  await yargs(argv)
    .scriptName('coalmine')
    .version(coalmineVersion())
    .usage('$0 COMMAND\n\nUpgrade canary and chaos test harness for Kubernetes node networking.')
    .command(runCommand)
    .command(planCommand)
    .command(validateCommand)
    .command(listCommand)
    .command(checkCommand)
    .command(reportCommand)
    .command(doctorCommand)
    .command(setupCommand)
    .command(cleanCommand)
    .example('$0 run upgrade-smoke', 'upgrade kube-proxy node by node under load, and judge it')
    .example(
      '$0 run upgrade-smoke --set upgradeTo.kube-proxy=1.34.2',
      'the same with another version',
    )
    .example('$0 plan endpoint-churn', 'what would be done; needs nothing installed')
    .demandCommand(1, 'Name a command.')
    .strict()
    .wrap(100)
    .recommendCommands()
    .completion('completion', 'print a completion script for bash or zsh')
    .epilogue(
      'exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 provisioning failed, 5 something is left on the target,\n6 internal error, 130/143 interrupted',
    )
    .exitProcess(false)
    .fail((message, error) => {
      // yargs hands over its own complaints as a message, some as an error, and whatever a handler threw as the error.
      const thrown = error as Error | undefined;
      if (thrown !== undefined && thrown.name !== 'YError') throw thrown;
      throw new UsageComplaint(thrown?.message ?? message);
    })
    .parseAsync();
}

class UsageComplaint extends Error {}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever reads may have had enough: `coalmine list | head -1`.
  if (error.code === 'EPIPE') return;
  // Thrown, it would end with 1, which reads as a failed check.
  process.stderr.write(`coalmine: stdout cannot be written: ${error.message}\n`);
  process.exitCode = worstExitCode([Number(process.exitCode ?? 0), 4]);
});

try {
  await main(hideBin(process.argv));
} catch (error) {
  if (error instanceof UsageComplaint) {
    process.stderr.write(`coalmine: ${error.message}\nTry \`coalmine --help\`.\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
