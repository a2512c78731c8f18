/** How kube-proxy was built before Kubernetes was an ordinary Go module: for the incidents that only old versions show. */
import { KUBERNETES_PROXY, kubernetesStamp, type ModuleRecipe } from './recipe.ts';
import type { Version } from './version.ts';

/** Where the version lived until it moved to component-base; a flag for a variable that is not there does no harm. */
function oldStamp(version: Version): Readonly<Record<string, string>> {
  const { major, minor, text } = version;
  return {
    ...kubernetesStamp(version),
    'k8s.io/kubernetes/pkg/version.gitVersion': `v${text}`,
    'k8s.io/kubernetes/pkg/version.gitMajor': String(major),
    'k8s.io/kubernetes/pkg/version.gitMinor': String(minor),
  };
}

export const OLD_KUBE_PROXY: readonly ModuleRecipe[] = [
  {
    ...KUBERNETES_PROXY,
    since: [1, 16],
    before: [1, 20],
    // Others of the same release reach for modules that nobody serves any longer.
    wrapped: [KUBERNETES_PROXY.package],
    stamp: oldStamp,
    aboutSeconds: { cold: 120, warm: 120 },
  },
  {
    ...KUBERNETES_PROXY,
    how: 'tree',
    since: [1, 13],
    before: [1, 14],
    stamp: oldStamp,
    aboutSeconds: { cold: 60, warm: 60 },
    needBytes: 2_000_000_000,
  },
];
