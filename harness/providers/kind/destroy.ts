/** Takes a cluster away, whole or half made, by its labels alone; and looks whether it is really gone. */
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError } from '../../core/errors.ts';
import { KIND_LABEL } from './create.ts';
import type { Engine } from './engine.ts';

const LIMITS = { timeoutMs: 120_000 };
const GONE_MS = 60_000;

/**
 * Listens to no signal of the run: an interrupted run must be taken away too. Idempotent. On a busy machine an engine
 * gives up on a removal that is nearly done ("did not receive an exit event"), so it is asked again until nothing is left.
 */
export async function destroyCluster(engine: Engine, name: string): Promise<void> {
  let left: readonly string[] = [];
  let complaints: readonly string[] = [];
  const wait = { what: `${name} to be gone`, timeoutMs: GONE_MS, everyMs: 1_000 };
  await waitFor(wait, async () => {
    complaints = await removeAll(engine, name);
    left = [...(await containersOf(engine, name)), ...(await networksOf(engine, name))];
    return left.length === 0 ? true : undefined;
  }).catch((cause: unknown) => {
    const said = complaints.length === 0 ? '' : `: ${complaints.join('; ')}`;
    const what = left.length === 0 ? 'does not say what it has' : `still has ${left.join(', ')}`;
    throw new CoalmineError('provision', `${name} is not gone: the engine ${what}${said}`, {
      wayOut: 'Run `coalmine clean`.',
      cause,
    });
  });
}

/** Returns what the engine complained about. */
async function removeAll(engine: Engine, name: string): Promise<string[]> {
  const nodes = await containersOf(engine, name);
  // A frozen process takes no signal, not even SIGKILL, until it is thawed.
  const paused = await containersOf(engine, name, ['--filter', 'status=paused']);
  for (const id of paused) await engine.run(['unpause', id], LIMITS);
  // One command for each: the engine takes the containers of one command one after the other.
  const removals = await Promise.all(
    nodes.map((id) => engine.run(['rm', '--force', '--volumes', id], LIMITS)),
  );
  const networks = await networksOf(engine, name);
  if (networks.length > 0) removals.push(await engine.run(['network', 'rm', ...networks], LIMITS));
  return removals
    .filter(({ exitCode }) => exitCode !== 0)
    .map(({ stderr, exitCode }) => stderr.trim() || `exit code ${String(exitCode)}`);
}

function containersOf(engine: Engine, name: string, more: readonly string[] = []) {
  const filter = ['--filter', `label=${KIND_LABEL}=${name}`, ...more];
  return linesOf(engine, ['ps', '--all', '--quiet', ...filter]);
}

function networksOf(engine: Engine, name: string) {
  return linesOf(engine, ['network', 'ls', '--quiet', '--filter', `label=${KIND_LABEL}=${name}`]);
}

async function linesOf(engine: Engine, args: readonly string[]): Promise<string[]> {
  return (await engine.docker(args, LIMITS)).split('\n').filter((line) => line !== '');
}
