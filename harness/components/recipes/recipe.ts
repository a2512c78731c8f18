/** How each component is built from its Go module. Times were measured on two cores with empty caches. */
import type { ComponentName } from '../component.ts';
import type { Version } from './version.ts';

export interface ModuleRecipe {
  module: string;
  /** The main package. */
  package: string;
  /**
   * `install` where `go install package@version` can do it, `wrapper` where only a wrapper module can, `tree` where only a
   * copy of the sources can, into which what they lack is written.
   */
  how: 'install' | 'wrapper' | 'tree';
  /** Major and minor of the oldest version that this recipe can build. */
  since: readonly [number, number];
  /** Major and minor of the oldest version that it can no longer build. */
  before?: readonly [number, number];
  /** The packages that share a wrapper; default: those of all components of the module. */
  wrapped?: readonly string[];
  /** Values for `-ldflags -X`, by package path and variable. */
  stamp: (version: Version) => Readonly<Record<string, string>>;
  /** Cold: nothing of this version is compiled yet; warm: a sibling from the same module was built before. */
  aboutSeconds: { cold: number; warm: number };
  needBytes: number;
}

const GB = 1_000_000_000;
const noStamp = (): Readonly<Record<string, string>> => ({});

/** Without these the binaries call themselves v0.0.0-master, and kubeadm refuses them. */
export function kubernetesStamp({ major, minor, text }: Version): Readonly<Record<string, string>> {
  return {
    'k8s.io/component-base/version.gitVersion': `v${text}`,
    'k8s.io/component-base/version.gitMajor': String(major),
    'k8s.io/component-base/version.gitMinor': String(minor),
  };
}

function kubernetes(folder: string, cold: number, warm: number): ModuleRecipe {
  return {
    module: 'k8s.io/kubernetes',
    package: `k8s.io/kubernetes/${folder}`,
    how: 'wrapper',
    // Older graphs reach for hosts that no longer exist.
    since: [1, 20],
    stamp: kubernetesStamp,
    aboutSeconds: { cold, warm },
    needBytes: 6 * GB,
  };
}

export const KUBERNETES_PROXY = kubernetes('cmd/kube-proxy', 170, 7);

/** Components that are not here have no Go module to build from. */
export const MODULE_RECIPES: Readonly<Partial<Record<ComponentName, ModuleRecipe>>> = {
  kubelet: kubernetes('cmd/kubelet', 210, 55),
  kubeadm: kubernetes('cmd/kubeadm', 170, 18),
  kubectl: kubernetes('cmd/kubectl', 170, 25),
  'kube-apiserver': kubernetes('cmd/kube-apiserver', 230, 50),
  'kube-controller-manager': kubernetes('cmd/kube-controller-manager', 220, 25),
  'kube-scheduler': kubernetes('cmd/kube-scheduler', 200, 5),
  'kube-proxy': KUBERNETES_PROXY,
  agnhost: kubernetes('test/images/agnhost', 170, 7),
  etcd: {
    module: 'go.etcd.io/etcd/server/v3',
    package: 'go.etcd.io/etcd/server/v3',
    how: 'wrapper',
    since: [3, 5],
    stamp: noStamp,
    aboutSeconds: { cold: 40, warm: 40 },
    needBytes: 2 * GB,
  },
  coredns: {
    module: 'github.com/coredns/coredns',
    package: 'github.com/coredns/coredns',
    how: 'install',
    since: [1, 9],
    stamp: noStamp,
    aboutSeconds: { cold: 80, warm: 80 },
    needBytes: 3 * GB,
  },
  kind: {
    module: 'sigs.k8s.io/kind',
    package: 'sigs.k8s.io/kind',
    how: 'install',
    since: [0, 20],
    stamp: noStamp,
    aboutSeconds: { cold: 25, warm: 25 },
    needBytes: 1 * GB,
  },
  k6: {
    module: 'go.k6.io/k6',
    package: 'go.k6.io/k6',
    how: 'install',
    // TypeScript without a bundler; and its v2 module path is not served by module proxies.
    since: [1, 0],
    stamp: noStamp,
    aboutSeconds: { cold: 90, warm: 90 },
    needBytes: 2 * GB,
  },
};

/** Returns the main packages of all components that come from the same module, so that they share one wrapper. */
export function packagesOfModule(module: string): string[] {
  return Object.values(MODULE_RECIPES)
    .filter((recipe) => recipe.module === module)
    .map((recipe) => recipe.package);
}

/** Kubernetes publishes its staging modules as v0.X.Y for its own v1.X.Y. */
export function stagingVersion(version: Version): string {
  return `v${version.text.replace(/^1\./, '0.')}`;
}

export function linkerFlags(recipe: ModuleRecipe, version: Version): string {
  const stamps = Object.entries(recipe.stamp(version)).map(
    ([name, value]) => `-X ${name}=${value}`,
  );
  return ['-s', '-w', ...stamps].join(' ');
}
