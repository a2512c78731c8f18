/** Versions as people write them: `1.34.3`, never `v1.34.3` or `latest`, so that one version has one name everywhere. */
const KUBERNETES_VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.]+)?$/;

export interface KubernetesVersion {
  major: number;
  minor: number;
  patch: number;
}

/** Returns undefined where `text` is not `MAJOR.MINOR.PATCH`. */
export function parseKubernetesVersion(text: string): KubernetesVersion | undefined {
  const match = KUBERNETES_VERSION.exec(text);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) };
}

/** kube-proxy may be up to three minor versions older than the API server, and never newer (Kubernetes version skew policy). */
const SKEW_MINORS_MAX = 3;

/** Returns a sentence where the pair is outside of upstream's supported skew; the run goes on, the report says it. */
export function proxySkewNote(apiServer: string, kubeProxy: string): string | undefined {
  const server = parseKubernetesVersion(apiServer);
  const proxy = parseKubernetesVersion(kubeProxy);
  if (server === undefined || proxy === undefined) return undefined;
  const behind = (server.major - proxy.major) * 1_000 + server.minor - proxy.minor;
  if (behind < 0)
    return `kube-proxy ${kubeProxy} is newer than the API server ${apiServer}: outside of the supported skew`;
  if (behind > SKEW_MINORS_MAX) {
    return `kube-proxy ${kubeProxy} is ${behind} minor versions older than the API server ${apiServer}: outside of the supported skew of ${SKEW_MINORS_MAX}`;
  }
  return undefined;
}
