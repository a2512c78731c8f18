/** What runs left on the user's Docker engine, found by label alone: ours on what we make, kind's own on its nodes. */
import { RUN_LABEL } from '../../core/names.ts';
import type { Leftover } from '../leftover.ts';
import { isRunAlive, runOfName, type RunState } from '../run-state.ts';
import type { Engine } from './engine.ts';
import { askEngine, userEngineEnv } from './engine-user.ts';

const KIND_LABEL = 'io.x-k8s.kind.cluster';
const LIMITS = { timeoutMs: 60_000 };

/** How each kind of object is listed and removed; a container takes its anonymous volumes along. */
const OBJECTS = [
  { kind: 'container', list: ['ps', '--all'], id: '.ID', name: '.Names', remove: ['rm', '-fv'] },
  { kind: 'network', list: ['network', 'ls'], id: '.ID', name: '.Name', remove: ['network', 'rm'] },
  {
    kind: 'volume',
    list: ['volume', 'ls'],
    id: '.Name',
    name: '.Name',
    remove: ['volume', 'rm', '-f'],
  },
] as const;

export interface DockerLeftovers {
  leftovers: Leftover[];
  /** Runs whose engine does not answer now, so that nothing can be said about them. */
  unreachable: RunState[];
}

export async function findDockerLeftovers(states: readonly RunState[]): Promise<DockerLeftovers> {
  const result: DockerLeftovers = { leftovers: [], unreachable: [] };
  const envs = new Map(
    [await userEngineEnv(), ...states.map(({ engineEnv }) => engineEnv)]
      .filter((env) => env !== undefined)
      .map((env) => [JSON.stringify(Object.entries(env).toSorted()), env]),
  );
  for (const [key, env] of envs) {
    const answer = await askEngine(env);
    if ('engine' in answer) result.leftovers.push(...(await onEngine(answer.engine, states)));
    else
      result.unreachable.push(
        ...states.filter(
          ({ engineEnv }) =>
            engineEnv !== undefined && JSON.stringify(Object.entries(engineEnv).toSorted()) === key,
        ),
      );
  }
  return result;
}

async function onEngine(engine: Engine, states: readonly RunState[]): Promise<Leftover[]> {
  const found = new Map<string, Leftover>();
  for (const object of OBJECTS)
    for (const label of [RUN_LABEL, KIND_LABEL]) {
      const format = `{{${object.id}}}\t{{${object.name}}}\t{{.Label "${label}"}}`;
      const filter = ['--filter', `label=${label}`, '--format', format];
      const listed = await engine.docker([...object.list, ...filter], LIMITS);
      for (const line of listed.split('\n')) {
        const [id = '', name = '', value = ''] = line.split('\t');
        // The user's own kind clusters bear kind's label too.
        const runId = label === RUN_LABEL ? value : runOfName(value);
        if (id === '' || runId === undefined || runId === '') continue;
        const state = states.find((known) => known.runId === runId);
        found.set(`${object.kind} ${id}`, {
          kind: object.kind,
          name,
          runId,
          alive: state !== undefined && isRunAlive(state),
          remove: () => remove(engine, [...object.remove, id]),
        });
      }
    }
  return [...found.values()];
}

/** A thing that went meanwhile (a volume with its container) is no error, so the failure is judged by looking again. */
async function remove(engine: Engine, args: readonly string[]): Promise<void> {
  const removed = await engine.run(args, LIMITS);
  if (removed.exitCode === 0) return;
  const still = await engine.run(['inspect', args.at(-1) ?? ''], LIMITS);
  if (still.exitCode === 0) await engine.docker(args, LIMITS);
}
