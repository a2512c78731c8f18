/** Takes a cluster away, whole or half made, by its labels alone; and looks whether it is really gone. */
import { CoalmineError } from '../../core/errors.ts';
import { KIND_LABEL } from './create.ts';
import type { Engine } from './engine.ts';

const LIMITS = { timeoutMs: 120_000 };

/** Listens to no signal of the run: an interrupted run must be taken away too. Idempotent. */
export async function destroyCluster(engine: Engine, name: string): Promise<void> {
  const nodes = await containersOf(engine, name);
  // A frozen process takes no signal, not even SIGKILL, until it is thawed.
  const paused = await containersOf(engine, name, ['--filter', 'status=paused']);
  for (const id of paused) await engine.run(['unpause', id], LIMITS);
  // One command for each: the engine takes the containers of one command one after the other.
  await Promise.all(nodes.map((id) => engine.run(['rm', '--force', '--volumes', id], LIMITS)));
  const networks = await networksOf(engine, name);
  if (networks.length > 0) await engine.run(['network', 'rm', ...networks], LIMITS);
  const left = [...(await containersOf(engine, name)), ...(await networksOf(engine, name))];
  if (left.length === 0) return;
  throw new CoalmineError(
    'provision',
    `${name} is not gone: the engine still has ${left.join(', ')}`,
    {
      wayOut: 'Run `coalmine clean`.',
    },
  );
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
