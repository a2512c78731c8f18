/** Versions as people write them: `1.34.3`, never `v1.34.3` or `latest`, so that one version has one name everywhere. */
export const KUBERNETES_VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.]+)?$/;

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
