/**
 * A Docker engine of coalmine's own, for machines where none answers. It runs inside the run's namespaces, so it is gone
 * with the run; only its images outlive it, in a slot of the cache.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError } from '../../core/errors.ts';
import { Unwind } from '../../core/unwind.ts';
import { startLocal, type LocalProcess } from '../../exec/local.ts';
import { onPath } from '../../exec/on-path.ts';
import { INSIDE_FOLDER, insideRun } from '../inside.ts';
import { nameOfRun } from '../run-state.ts';
import { engineAt, type Engine } from './engine.ts';
import { keepLog } from './engine-log.ts';
import { removeResidue } from './engine-residue.ts';
import { takeSlot } from './engine-slot.ts';
import { missingCapabilities, runtimeShim } from './runtime-shim.ts';

const START_MS = 60_000;
const STOP_MS = 30_000;

export interface PrivateEngineOptions {
  cacheDir: string;
  /** Gets everything that dockerd says. */
  logFile: string;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** Starts the engine and waits until it answers. Only inside (`enterInside`). */
export async function startPrivateEngine(options: PrivateEngineOptions): Promise<Engine> {
  const unwind = new Unwind();
  try {
    return await start(options, unwind);
  } catch (error) {
    await unwind.run();
    throw error;
  }
}

async function start(options: PrivateEngineOptions, unwind: Unwind): Promise<Engine> {
  const { cacheDir, say, signal } = options;
  const { runId, folder } = insideRun();
  const slot = await takeSlot(cacheDir, runId, signal);
  unwind.push('slot', () => slot.release());
  // Teardown before setup: what a killed run left must not come up again.
  await removeResidue(slot.dataRoot);
  unwind.push('containers', () => removeResidue(slot.dataRoot));
  await mkdir(path.dirname(options.logFile), { recursive: true });
  const host = `unix://${folder}/docker.sock`;
  const dockerd = startLocal({
    argv: ['dockerd', ...(await flags(runId, host, slot.dataRoot))] as [string, ...string[]],
  });
  const life = { closing: false, empty: false, exitCode: undefined as number | null | undefined };
  unwind.push('dockerd', () => stop(dockerd, life.empty ? 'SIGKILL' : 'SIGTERM'));
  keepLog(dockerd, options.logFile);
  void dockerd.ended.then(({ exitCode }) => {
    life.exitCode = exitCode;
    if (!life.closing)
      say(`the private Docker engine ended by itself; its log: ${options.logFile}`);
  });
  const engine = engineAt('private', host, { DOCKER_HOST: host }, async () => {
    life.closing = true;
    await engine
      .run(['version'], { timeoutMs: 5_000 })
      .then(async (answer) => {
        if (answer.exitCode !== 0) return;
        await removeContainers(engine);
        life.empty = true;
      })
      .catch(() => undefined); // its end, below, ends them as well
    reportFailures(await unwind.run(), say);
  });
  await untilItAnswers(engine, life, options);
  return engine;
}

async function flags(runId: string, host: string, dataRoot: string): Promise<string[]> {
  const config = path.join(INSIDE_FOLDER, 'daemon.json');
  await writeFile(config, JSON.stringify(await daemonConfig()));
  return [
    ...['--config-file', config, '--host', host, '--data-root', dataRoot],
    ...['--exec-root', path.join(INSIDE_FOLDER, 'exec')],
    ...['--pidfile', path.join(INSIDE_FOLDER, 'docker.pid')],
    // The host's systemd cannot be reached from inside, and must not own what is ours.
    ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${nameOfRun(runId)}`],
  ];
}

async function daemonConfig(): Promise<Record<string, unknown>> {
  // Newer engines keep images in containerd by default, where layers of dead containers cannot be told apart by file.
  const base = { features: { 'containerd-snapshotter': false } };
  const missing = missingCapabilities(
    await readFile('/proc/self/status', 'utf8'),
    Number(await readFile('/proc/sys/kernel/cap_last_cap', 'utf8')),
  );
  if (missing.length === 0) return base;
  const runc = await onPath('runc');
  if (runc === undefined)
    throw new CoalmineError('preflight', 'runc is not installed', {
      wayOut: 'run `coalmine setup` as root, or install runc',
    });
  const shim = path.join(INSIDE_FOLDER, 'runtime');
  await writeFile(shim, runtimeShim(runc, missing));
  await chmod(shim, 0o755);
  return { ...base, runtimes: { coalmine: { path: shim } }, 'default-runtime': 'coalmine' };
}

async function untilItAnswers(
  engine: Engine,
  life: { exitCode: number | null | undefined },
  options: PrivateEngineOptions,
): Promise<void> {
  try {
    const alive = await waitFor(
      {
        what: 'the private Docker engine to answer',
        timeoutMs: START_MS,
        everyMs: 50,
        signal: options.signal,
      },
      async () => {
        if (life.exitCode !== undefined) return false;
        const answer = await engine.run(['version'], { timeoutMs: 5_000 });
        return answer.exitCode === 0 ? true : undefined;
      },
    );
    if (alive) return;
  } catch (error) {
    options.signal.throwIfAborted();
    throw await startError(options.logFile, error);
  }
  throw await startError(options.logFile, undefined);
}

async function startError(logFile: string, cause: unknown): Promise<CoalmineError> {
  const log = await readFile(logFile, 'utf8').catch(() => '');
  const tail = log.trim().split('\n').slice(-8).join('\n');
  return new CoalmineError('provision', `the private Docker engine did not start\n${tail}`, {
    wayOut: `read ${logFile}, or start a Docker engine yourself: coalmine uses one that answers`,
    cause,
  });
}

/** At once: dockerd on its own would give each container ten seconds to end. */
async function removeContainers(engine: Engine): Promise<void> {
  const limits = { timeoutMs: STOP_MS };
  const ids = (await engine.docker(['ps', '--all', '--quiet', '--no-trunc'], limits))
    .split('\n')
    .filter((id) => id !== '');
  if (ids.length > 0) await engine.docker(['rm', '--force', '--volumes', ...ids], limits);
}

/** An engine that has no container holds nothing that its orderly end, which takes a second, would save. */
async function stop(dockerd: LocalProcess, by: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  dockerd.kill(by);
  const timer = setTimeout(() => {
    dockerd.kill('SIGKILL');
  }, STOP_MS);
  await dockerd.ended;
  clearTimeout(timer);
}

function reportFailures(
  failures: readonly { title: string; error: unknown }[],
  say: (line: string) => void,
): void {
  for (const { title, error } of failures)
    say(`closing the private Docker engine: ${title}: ${String(error)}`);
}
