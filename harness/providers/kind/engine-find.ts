/** Which Docker engine a run uses: the user's where one answers, else a private one where that is possible. */
import { CoalmineError } from '../../core/errors.ts';
import { onPath } from '../../exec/on-path.ts';
import { insideRefusals } from '../inside.ts';
import type { Engine } from './engine.ts';
import { askEngine, userEngineEnv } from './engine-user.ts';

export type EngineChoice =
  | { kind: 'user'; engine: Engine; version: string }
  /** Go on with `runInside`, and there with `startPrivateEngine`. */
  | { kind: 'private'; because: string };

/** Touches nothing. Throws `preflight` where there is neither, saying what was tried. */
export async function findEngine(options: { cacheDir: string }): Promise<EngineChoice> {
  const env = await userEngineEnv();
  const answer = env === undefined ? { refusal: 'no docker CLI' } : await askEngine(env);
  if ('engine' in answer) return { kind: 'user', ...answer };
  const refusals = await privateRefusals(options.cacheDir);
  if (refusals.length === 0) return { kind: 'private', because: answer.refusal };
  throw new CoalmineError(
    'preflight',
    `no Docker engine: none answers (${answer.refusal}), and a private one is not possible: ${refusals.join('; ')}`,
    {
      wayOut:
        'start or install Docker, point DOCKER_HOST at an engine, or run `coalmine setup` as root on Debian or Ubuntu',
    },
  );
}

async function privateRefusals(cacheDir: string): Promise<string[]> {
  const refusals: string[] = process.getuid?.() === 0 ? [] : ['this is not root'];
  for (const tool of ['docker', 'dockerd', 'containerd', 'runc', 'iptables'])
    if ((await onPath(tool)) === undefined) refusals.push(`${tool} is not installed`);
  return [...refusals, ...(await insideRefusals(cacheDir))];
}
