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
  const said = await get(agent, '/metrics', '/proxyMode');
  const version = gitVersion(said);
  if (version === undefined) {
    throw new CoalmineError('inject', `kube-proxy on ${agent.name} does not say its version`);
  }
  // What it says last is one word.
  return { version, mode: said.trimEnd().split('\n').at(-1) ?? '' };
}

/** Returns the `git_version` (before 1.18: `gitVersion`) of `kubernetes_build_info` without its v, or undefined. Pure. */
export function gitVersion(metrics: string): string | undefined {
  const line = /^kubernetes_build_info\{[^}]*\bgit(?:_v|V)ersion="v?([^"]+)"/m.exec(metrics);
  return line?.[1];
}

/** One after the other, by one program: to start another costs a node without KVM more than to ask. */
async function get(agent: NodeAgent, ...paths: string[]): Promise<string> {
  const how = ['--silent', '--fail', '--fail-early', '--max-time', '3'] as const;
  const argv = ['curl', ...how, ...paths.map((path) => ADDRESS + path)] as const;
  const answer = await agent.run({ argv }, { timeoutMs: ASK_MS });
  if (answer.exitCode === 0) return answer.stdout;
  const ended = `curl ended with ${answer.exitCode ?? 'a signal'}`;
  const what = `${paths.join(' and ')}: ${ended}`;
  throw new CoalmineError('inject', `kube-proxy on ${agent.name} does not answer ${what}`);
}
