/** Phases of `kubeadm init`, one at a time: each makes files, or objects through the API server. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { local } from '../../exec/local.ts';
import { kubeadmConfig, type KubeadmInput } from './kubeadm-config.ts';

const PHASE_MS = 60_000;

type Member = 'super-admin' | 'controller-manager' | 'scheduler';

export interface Kubeadm {
  /** Where the certificates are. */
  readonly pki: string;
  /** Makes every certificate of the control plane. */
  makeCertificates(): Promise<void>;
  /** Returns the path of a kubeconfig with a fresh client certificate. */
  makeKubeconfig(who: Member): Promise<string>;
  /** Returns the path of one that was made before. */
  kubeconfigOf(who: Member): string;
  /** Returns the kubeconfig of a node's kubelet. */
  nodeKubeconfig(node: string): Promise<string>;
  /** Applies an addon's objects to the cluster. */
  applyAddon(addon: 'coredns' | 'kube-proxy', kubeconfig: string): Promise<void>;
}

export interface KubeadmOptions extends Omit<KubeadmInput, 'node' | 'pki'> {
  /** Path of kubeadm. */
  program: string;
  /** Folder of the run's own; secrets are written to it. */
  folder: string;
  signal: AbortSignal;
}

export async function useKubeadm(options: KubeadmOptions): Promise<Kubeadm> {
  const { program, folder, signal } = options;
  const pki = path.join(folder, 'pki');
  const configure = async (name: string, node?: string): Promise<string> => {
    const file = path.join(folder, name);
    const input = { ...options, pki, ...(node === undefined ? {} : { node }) };
    await writeFile(file, kubeadmConfig(input), { mode: 0o600 });
    return file;
  };
  const config = await configure('kubeadm.yaml');
  const phase = async (words: readonly string[], withConfig = config): Promise<void> => {
    const argv = [program, 'init', 'phase', ...words, '--config', withConfig] as const;
    await runOrThrow(local, { argv }, { timeoutMs: PHASE_MS, signal, code: 'provision' });
  };
  const kubeconfigOf = (who: Member): string => path.join(folder, `${who}.conf`);
  return {
    pki,
    makeCertificates: () => phase(['certs', 'all']),
    makeKubeconfig: async (who) => {
      await phase(['kubeconfig', who, '--kubeconfig-dir', folder]);
      return kubeconfigOf(who);
    },
    kubeconfigOf,
    nodeKubeconfig: async (node) => {
      const into = path.join(folder, `kubelet-${node}`);
      await phase(
        ['kubeconfig', 'kubelet', '--kubeconfig-dir', into],
        await configure(`kubeadm-${node}.yaml`, node),
      );
      return readFile(path.join(into, 'kubelet.conf'), 'utf8');
    },
    applyAddon: (addon, kubeconfig) => phase(['addon', addon, '--kubeconfig', kubeconfig]),
  };
}
