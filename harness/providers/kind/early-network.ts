/**
 * The pod network of a node, as soon as its pods may start: until then kubelet says "not Ready". Everything is asked on the
 * nodes themselves, for kubeadm still works on the cluster.
 */
import { waitFor } from '../../core/deadline.ts';
import type { ClusterNode } from '../provider.ts';
import { putConflist } from './node-setup.ts';

const KUBECTL = ['kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf'] as const;

/**
 * kubelet looks for the network only every five seconds, so a node has it as soon as it can. On a worker, kube-proxy may
 * come later: CoreDNS does not go there, and nothing else is made before this has resolved.
 *
 * @param dns what `prepareDns` returned
 */
export async function connectEarly(
  node: ClusterNode,
  controlPlane: ClusterNode,
  dns: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await answers(node, `kubelet on ${node.name} to serve`, 'http://127.0.0.1:10248/healthz', signal);
  await dns;
  await putConflist(node, await givenRange(node, controlPlane, signal), signal);
  await kubeProxyServes(node, signal);
}

/**
 * Before CoreDNS has a node: asked each second, it is Ready as soon as it serves, and not at the second look, ten seconds
 * later; it may be silent for as long as before. And it stays on the control plane: frozen with the canary, it would fail
 * everybody.
 */
const EARLY_DNS = {
  spec: {
    template: {
      spec: {
        nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
        containers: [
          { name: 'coredns', readinessProbe: { periodSeconds: 1, failureThreshold: 30 } },
        ],
      },
    },
  },
};

/**
 * Resolves when CoreDNS may start. A pod that asks for a Service before kube-proxy has a rule for it waits out TCP's
 * patience: the kernel remembers the connection as one without translation. CoreDNS would lose half a minute.
 */
export async function prepareDns(controlPlane: ClusterNode, signal: AbortSignal): Promise<void> {
  await kubeProxyServes(controlPlane, signal);
  const deployment = ['deployment', 'coredns', '--namespace', 'kube-system'];
  const argv = [...KUBECTL, 'patch', ...deployment, '--patch', JSON.stringify(EARLY_DNS)] as const;
  const wait = { what: 'CoreDNS to be deployed', timeoutMs: 120_000, everyMs: 500, signal };
  await waitFor(wait, async () => {
    const asked = await controlPlane.run({ argv }, { timeoutMs: 20_000, signal });
    return asked.exitCode === 0 ? true : undefined;
  });
}

function kubeProxyServes(node: ClusterNode, signal: AbortSignal): Promise<void> {
  const what = `kube-proxy on ${node.name} to have written its rules`;
  return answers(node, what, 'http://127.0.0.1:10256/healthz', signal);
}

/** curl itself asks again: starting it on a node costs a hundred times what it asks. */
const PATIENCE = ['--retry', '20', '--retry-delay', '1', '--retry-all-errors', '--max-time', '5'];

async function answers(
  node: ClusterNode,
  what: string,
  url: string,
  signal: AbortSignal,
): Promise<void> {
  const argv = ['curl', '--silent', '--fail', ...PATIENCE, url] as const;
  await waitFor({ what, timeoutMs: 300_000, everyMs: 500, signal }, async () => {
    const asked = await node.run({ argv }, { timeoutMs: 150_000, signal });
    return asked.exitCode === 0 ? true : undefined;
  });
}

/** The controller gives ranges in no certain order: asked for twice at once, it may skip one. */
export async function givenRange(
  node: ClusterNode,
  controlPlane: ClusterNode,
  signal: AbortSignal,
): Promise<string> {
  const what = `${node.name} to be given a pod range`;
  const argv = [...KUBECTL, 'get', 'node', node.name, '-o', 'jsonpath={.spec.podCIDR}'] as const;
  return waitFor({ what, timeoutMs: 120_000, everyMs: 500, signal }, async () => {
    const asked = await controlPlane.run({ argv }, { timeoutMs: 20_000, signal });
    const range = asked.stdout.trim();
    return asked.exitCode === 0 && range !== '' ? range : undefined;
  });
}
