/**
 * The node agent: a remote hand for the controller, on stdin and stdout, and the keeper of the undo lease. Bundled into
 * one file that a plain Node.js runs. Exits with 0, or with 5 where an undo could not be confirmed.
 */
import './no-jit.ts';
import { serve } from './server.ts';

const end = serve(process.stdin, process.stdout, (outcomes) => {
  process.exit(outcomes.every(({ verified }) => verified) ? process.exitCode : 5);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);

// Even a bug of ours must not leave a fault behind.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack ?? error.message}\n`);
  process.exitCode = 1;
  end();
});
