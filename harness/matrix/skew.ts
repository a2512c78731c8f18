/**
 * Kubernetes' version skew policy, minor versions against minor versions. What is unsupported and can be tried is a note,
 * because people do it; what could never come up is a refusal. That kube-proxy and the kubelet beside it are at most three
 * minors apart follows from what is asked of both, so nothing here asks it.
 */
import { parseKubernetesVersion } from './version.ts';

type Component = 'kubelet' | 'kube-proxy';

const SKEW_MINORS_MAX = 3;
/** Older ones may be only two behind. */
const SINCE_MINOR = 25;
const SKEW_MINORS_MAX_BEFORE = 2;

/** Returns a sentence where the pair is outside of upstream's supported skew; the run goes on, the report says it. */
export function skewNote(
  apiServer: string,
  component: Component,
  version: string,
): string | undefined {
  const behind = minorsBehind(apiServer, version);
  if (behind === undefined) return undefined;
  if (behind < 0)
    return `${component} ${version} is newer than the API server ${apiServer}: outside of the supported skew`;
  const most = skewMinorsMax(version);
  if (behind <= most) return undefined;
  return `${component} ${version} is ${behind} minor versions older than the API server ${apiServer}: outside of the supported skew of ${most}`;
}

/**
 * A kube-proxy that is too new runs and may be wrong, which is worth a look. A kubelet that is too new need not even start:
 * kubeadm of the older version gives it flags that it may know no more, as 1.34 does with one that 1.35 took away.
 */
export function newerKubelet(apiServer: string, kubelet: string): string | undefined {
  const behind = minorsBehind(apiServer, kubelet);
  if (behind === undefined || behind >= 0) return undefined;
  return `kubelet ${kubelet} is newer than the API server ${apiServer}, which Kubernetes does not allow: a control plane is upgraded before its nodes`;
}

function minorsBehind(apiServer: string, version: string): number | undefined {
  const server = parseKubernetesVersion(apiServer);
  const other = parseKubernetesVersion(version);
  if (server === undefined || other === undefined) return undefined;
  return (server.major - other.major) * 1_000 + server.minor - other.minor;
}

function skewMinorsMax(version: string): number {
  const { major = 1, minor = 0 } = parseKubernetesVersion(version) ?? {};
  return major === 1 && minor < SINCE_MINOR ? SKEW_MINORS_MAX_BEFORE : SKEW_MINORS_MAX;
}
