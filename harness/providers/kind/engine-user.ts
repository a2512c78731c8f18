/** The user's own Docker engine: whichever the docker CLI itself would use here. */
import { messageOf } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { onPath } from '../../exec/on-path.ts';
import { engineAt, type Engine } from './engine.ts';

const ANSWER_MS = 3_000;

/** What decides which engine the CLI talks to; kept with the run, so that a later `clean` asks the same engine. */
const DECIDING = [
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_TLS',
  'DOCKER_TLS_VERIFY',
  'DOCKER_CERT_PATH',
  'DOCKER_CONFIG',
] as const;

/** Returns the part of the environment that decides, with the current context made explicit; undefined without a CLI. */
export async function userEngineEnv(): Promise<Record<string, string> | undefined> {
  if ((await onPath('docker')) === undefined) return undefined;
  const env: Record<string, string> = {};
  for (const name of DECIDING) {
    const value = process.env[name];
    if (value !== undefined && value !== '') env[name] = value;
  }
  if (env['DOCKER_HOST'] !== undefined || env['DOCKER_CONTEXT'] !== undefined) return env;
  const shown = await local.run(
    { argv: ['docker', 'context', 'inspect', '--format', '{{.Name}}'], env },
    { timeoutMs: ANSWER_MS },
  );
  const context = shown.stdout.trim();
  return shown.exitCode === 0 && context !== '' ? { ...env, DOCKER_CONTEXT: context } : env;
}

export type EngineAnswer = { engine: Engine; version: string } | { refusal: string };

/** Asks the engine that `env` reaches for its version; it has three seconds. */
export async function askEngine(env: Readonly<Record<string, string>>): Promise<EngineAnswer> {
  const host = env['DOCKER_HOST'] ?? `context ${env['DOCKER_CONTEXT'] ?? 'default'}`;
  const engine = engineAt('user', host, env, () => Promise.resolve());
  try {
    const answer = await engine.run(['version', '--format', '{{.Server.Version}}'], {
      timeoutMs: ANSWER_MS,
    });
    const version = answer.stdout.trim();
    if (answer.exitCode === 0 && version !== '') return { engine, version };
    return { refusal: `${host}: ${answer.stderr.trim().split('\n')[0] ?? 'no answer'}` };
  } catch (error) {
    return { refusal: `${host}: ${messageOf(error)}` };
  }
}
