/**
 * The smallest program that runs on a private engine, the way the CLI does: an outer process that starts itself again
 * inside, and an inner one that starts the engine, runs a privileged container and waits to be told to end. It prints
 * one JSON line when the container is up. Arguments: cache folder, run id, image tar, `end` or `wait`.
 */
import path from 'node:path';
import { readdirSync, readFileSync } from 'node:fs';
import { enterInside, isInside, runInside } from '../../harness/providers/inside.ts';
import { startPrivateEngine } from '../../harness/providers/kind/engine-private.ts';
import { RUN_LABEL } from '../../harness/core/names.ts';

const [cacheDir = '', runId = '', tar = '', then = 'end'] = process.argv.slice(2);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const LIMITS = { timeoutMs: 30_000 };

process.exitCode = isInside() ? await inner() : await outer();

function outer(): Promise<number> {
  return runInside({
    runId,
    cacheDir,
    say,
    onInterrupt: (listener) => {
      const caught = (signal: NodeJS.Signals): void => {
        listener(signal as 'SIGINT' | 'SIGTERM');
      };
      process.on('SIGINT', caught).on('SIGTERM', caught);
      return () => void process.off('SIGINT', caught).off('SIGTERM', caught);
    },
  });
}

async function inner(): Promise<number> {
  let wake: (exitCode: number) => void;
  const interrupted = new Promise<number>((resolve) => (wake = resolve));
  // A timer keeps the process alive: a promise alone does not.
  const keepAlive = setInterval(() => undefined, 1_000);
  process.on('SIGINT', () => {
    wake(41);
  });
  process.on('SIGTERM', () => {
    wake(42);
  });
  await enterInside();
  const { signal } = new AbortController();
  const logFile = path.join(cacheDir, `${runId}.dockerd.log`);
  const startedMs = performance.now();
  const engine = await startPrivateEngine({ cacheDir, logFile, say, signal });
  const startMs = Math.round(performance.now() - startedMs);
  const before = await engine.docker(['ps', '--all', '--format', '{{.Names}}'], LIMITS);
  const images = await engine.docker(['images', '--quiet'], LIMITS);
  if (images === '') await engine.docker(['import', tar, 'tiny'], LIMITS);
  const label = ['--label', `${RUN_LABEL}=${runId}`];
  const run = ['run', '--detach', '--privileged', '--restart', 'always', '--volume', '/data'];
  await engine.docker(
    [...run, ...label, '--name', `coalmine-${runId}-node`, 'tiny', 'sleep', '900'],
    LIMITS,
  );
  // Ends at once: its containerd-shim becomes an orphan that somebody must reap.
  await engine.docker(['run', '--rm', 'tiny', 'true'], LIMITS);
  const exec = ['exec', '--privileged', `coalmine-${runId}-node`, 'cat', '/proc/self/status'];
  const status = await engine.docker(exec, LIMITS);
  const report = { startMs, before, images, status, host: engine.host, zombies: zombies() };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  const exitCode = then === 'wait' ? await interrupted : 0;
  await engine.close();
  clearInterval(keepAlive);
  return exitCode;
}

function zombies(): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  });
}
