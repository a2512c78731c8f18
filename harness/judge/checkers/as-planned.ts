/**
 * Whether the nodes are what the plan says: the same run of another kube-proxy, or of another mode, proves nothing of the
 * one that was meant. Judged by what they said before the first phase; what a phase upgrades is upgrade-done's. Always
 * checked.
 */
import { z } from 'zod';
import { eventsOf, type EventOf, type History } from '../../core/history.ts';
import type { Plan } from '../../core/plan.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({});

/** What is recorded of a kube-proxy that was asked, and did not answer. */
const UNKNOWN = 'unknown';

/** Before 1.23 `Version: v1.13.0`, since then `"Version info" version="v1.34.3"`. */
const VERSION = /(?:\] Version: |"Version info" version=")v?([^\s"]+)/;
const MODE = /\] "?Using (\w+) Proxier/;

export const asPlanned: Checker<z.infer<typeof params>> = {
  name: 'as-planned',
  params,
  check: (history) => {
    const proxies = firstOfEach(eventsOf(history, 'proxy')).map((said) => orLogged(said, history));
    const kubelets = firstOfEach(eventsOf(history, 'kubelet'));
    const versions = [...new Set(kubelets.map(({ version }) => version))].sort();
    const { components, proxyMode } = history.plan;
    return conclude('as-planned', {
      failures: [],
      gaps: [
        ...unsaid(history, proxies.length, kubelets.length),
        ...proxies.flatMap((said) => otherProxy(said, history.plan)),
        ...otherModeLater(history),
        ...kubelets.flatMap((said) => otherKubelet(said, history.plan)),
      ],
      evidence: { kubeProxies: proxies.length, kubelets: kubelets.length },
      pass: `${proxies.length} nodes said that they are as planned: kube-proxy ${proxyVersion(components)}, ${proxyMode}; kubelet ${versions.join(' and ')}`,
    });
  },
};

function firstOfEach<E extends { node: string }>(events: readonly E[]): E[] {
  return events.filter(({ node }, index) => events.findIndex((one) => one.node === node) === index);
}

/** One that was too busy to answer, as on a machine without KVM, said it to its own log when it started. */
function orLogged(said: EventOf<'proxy'>, { logs }: History): EventOf<'proxy'> {
  if (said.version !== UNKNOWN) return said;
  const log = logs.get(`kube-proxy/${said.node}.log`) ?? '';
  const [version, mode] = [VERSION.exec(log)?.[1], MODE.exec(log)?.[1]];
  return version === undefined || mode === undefined ? said : { ...said, version, mode };
}

/** A run that never came to its nodes has one line of this: run-complete says why. */
function unsaid({ plan }: History, proxies: number, kubelets: number): string[] {
  if (proxies === 0 && kubelets === 0) return ['no node said what it is'];
  return Object.entries({ 'kube-proxy': proxies, kubelet: kubelets })
    .filter(([, nodes]) => nodes < plan.nodes)
    .map(([what, nodes]) => `${what} of only ${nodes} of ${plan.nodes} nodes said what it is`);
}

function otherProxy({ node, version, mode }: EventOf<'proxy'>, plan: Plan): string[] {
  const wanted = `${proxyVersion(plan.components)}, ${plan.proxyMode}`;
  const said = `${version}, ${mode}`;
  if (said === wanted) return [];
  if (version === UNKNOWN)
    return [`${node}: kube-proxy did not say what it is; the plan says ${wanted}`];
  return [`${node}: kube-proxy says ${said}; the plan says ${wanted}`];
}

/** An upgrade changes the version, and never the mode: a kube-proxy that runs in another one says so only here. */
function otherModeLater(history: History): string[] {
  const proxies = eventsOf(history, 'proxy');
  const { proxyMode } = history.plan;
  return proxies
    .filter((said) => !firstOfEach(proxies).includes(said) && said.mode !== proxyMode)
    .map(
      ({ node, version, mode }) =>
        `${node}: kube-proxy says ${version}, ${mode}; the plan says ${proxyMode}`,
    );
}

function otherKubelet({ node, version }: EventOf<'kubelet'>, { components }: Plan): string[] {
  const wanted = kubeletVersion(node, components);
  return version === wanted
    ? []
    : [`${node}: its kubelet says ${version}; the plan says ${wanted}`];
}

type Components = Plan['components'];

function proxyVersion({ kubernetes = 'nothing', 'kube-proxy': version }: Components): string {
  return version ?? kubernetes;
}

/** Kubelets differ on kind alone, whose names tell the control plane and the first worker, which is the canary. */
function kubeletVersion(node: string, components: Components): string {
  const { kubernetes = 'nothing', kubelet = kubernetes } = components;
  if (node.endsWith('-control-plane')) return kubernetes;
  return node.endsWith('-worker') ? (components['canary-kubelet'] ?? kubelet) : kubelet;
}
