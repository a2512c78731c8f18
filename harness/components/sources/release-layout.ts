/** Where each project publishes its binaries, and where their checksums are. Pure: a test serves the same layout. */
import type { ComponentName } from '../component.ts';
import type { goArch } from './source.ts';

export interface Published {
  url: string;
  checksumUrl: string;
  /** Path of the program inside the archive; undefined where the download is the program. */
  member?: string;
}

type Arch = ReturnType<typeof goArch>;
type Layout = (version: string, arch: Arch) => Published;

/** Returns undefined for what is published only as an image. */
export function releaseLayout(
  component: ComponentName,
  version: string,
  arch: Arch,
): Published | undefined {
  return LAYOUTS[component]?.(version, arch);
}

const GITHUB = 'https://github.com';

const LAYOUTS: Readonly<Partial<Record<ComponentName, Layout>>> = {
  kubelet: kubernetes('kubelet'),
  kubeadm: kubernetes('kubeadm'),
  kubectl: kubernetes('kubectl'),
  'kube-apiserver': kubernetes('kube-apiserver'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  'kube-scheduler': kubernetes('kube-scheduler'),
  'kube-proxy': kubernetes('kube-proxy'),
  kind: (version, arch) => {
    const url = `${GITHUB}/kubernetes-sigs/kind/releases/download/v${version}/kind-linux-${arch}`;
    return { url, checksumUrl: `${url}.sha256sum` };
  },
  k6: (version, arch) => {
    const folder = `${GITHUB}/grafana/k6/releases/download/v${version}`;
    const name = `k6-v${version}-linux-${arch}`;
    return {
      url: `${folder}/${name}.tar.gz`,
      checksumUrl: `${folder}/k6-v${version}-checksums.txt`,
      member: `${name}/k6`,
    };
  },
  etcd: (version, arch) => {
    const folder = `${GITHUB}/etcd-io/etcd/releases/download/v${version}`;
    const name = `etcd-v${version}-linux-${arch}`;
    return {
      url: `${folder}/${name}.tar.gz`,
      checksumUrl: `${folder}/SHA256SUMS`,
      member: `${name}/etcd`,
    };
  },
  coredns: (version, arch) => {
    const url = `${GITHUB}/coredns/coredns/releases/download/v${version}/coredns_${version}_linux_${arch}.tgz`;
    return { url, checksumUrl: `${url}.sha256`, member: 'coredns' };
  },
  node: (version, arch) => {
    const folder = `https://nodejs.org/dist/v${version}`;
    const name = `node-v${version}-linux-${arch === 'amd64' ? 'x64' : 'arm64'}`;
    return {
      url: `${folder}/${name}.tar.gz`,
      checksumUrl: `${folder}/SHASUMS256.txt`,
      member: `${name}/bin/node`,
    };
  },
};

function kubernetes(name: string): Layout {
  return (version, arch) => {
    const url = `https://dl.k8s.io/release/v${version}/bin/linux/${arch}/${name}`;
    return { url, checksumUrl: `${url}.sha256` };
  };
}

/** Finds the sha256 of `fileName` in a checksum file: a bare hash, or lines of hash and name. */
export function findChecksum(text: string, fileName: string): string | undefined {
  const lines = text.trim().split('\n');
  const [only = ''] = lines;
  if (lines.length === 1 && /^[0-9a-f]{64}$/.test(only.trim())) return only.trim();
  for (const line of lines) {
    const match = /^([0-9a-f]{64})\s+\*?(?:\.\/)?(\S+)$/.exec(line.trim());
    if (match?.[2] === fileName) return match[1];
  }
  return undefined;
}
