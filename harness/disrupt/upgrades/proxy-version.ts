/** Asks the kube-proxy of a node, on its own ports, which version it is and which mode it runs in. */
import type { NodeAgent } from '../../core/node.ts';
import { CoalmineError } from '../../core/errors.ts';

const ADDRESS = 'http://127.0.0.1:10249';
const ASK_MS = 5_000;

export interface ProxySaid {
  /** Without the leading v, as in a plan. */
  version: string;
  mode: string;
}

/** Throws `inject` where it does not answer, or answers without a version. */
export async function askProxy(agent: NodeAgent): Promise<ProxySaid> {
  const version = gitVersion(await get(agent, '/metrics'));
  if (version === undefined) {
    throw new CoalmineError('inject', `kube-proxy on ${agent.name} does not say its version`);
  }
  return { version, mode: (await get(agent, '/proxyMode')).trim() };
}

/** Returns the `git_version` (before 1.18: `gitVersion`) of `kubernetes_build_info` without its v, or undefined. Pure. */
export function gitVersion(metrics: string): string | undefined {
  const line = /^kubernetes_build_info\{[^}]*\bgit(?:_v|V)ersion="v?([^"]+)"/m.exec(metrics);
  return line?.[1];
}

async function get(agent: NodeAgent, path: string): Promise<string> {
  const limit = ['--max-time', '3'] as const;
  const argv = ['curl', '--silent', '--fail', ...limit, ADDRESS + path] as const;
  const answer = await agent.run({ argv }, { timeoutMs: ASK_MS });
  if (answer.exitCode === 0) return answer.stdout;
  const how = `curl ended with ${answer.exitCode ?? 'a signal'}`;
  throw new CoalmineError('inject', `kube-proxy on ${agent.name} does not answer ${path}: ${how}`);
}
