/** Phases of `kubeadm init`, one at a time: each makes files, or objects through the API server. */
import { writeFile } from 'node:fs/promises';
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
  /** Of the cluster's own; secrets are written to it. */
  readonly folder: string;
  /** Writes what kubeadm must know of a node to `file`; returns what carries out a phase for it. */
  nodePhase(node: {
    name: string;
    pki: string;
    file: string;
  }): Promise<(words: readonly string[]) => Promise<void>>;
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
  const config = path.join(folder, 'kubeadm.yaml');
  await writeFile(config, kubeadmConfig({ ...options, pki }), { mode: 0o600 });
  const phase = async (words: readonly string[], withConfig = config): Promise<void> => {
    const argv = [program, 'init', 'phase', ...words, '--config', withConfig] as const;
    await runOrThrow(local, { argv }, { timeoutMs: PHASE_MS, signal, code: 'provision' });
  };
  const kubeconfigOf = (who: Member): string => path.join(folder, `${who}.conf`);
  return {
    ...{ pki, folder },
    makeCertificates: () => phase(['certs', 'all']),
    makeKubeconfig: async (who) => {
      await phase(['kubeconfig', who, '--kubeconfig-dir', folder]);
      return kubeconfigOf(who);
    },
    kubeconfigOf,
    nodePhase: async ({ name, file, pki: own }) => {
      await writeFile(file, kubeadmConfig({ ...options, pki: own, node: name }), { mode: 0o600 });
      return (words) => phase(words, file);
    },
    applyAddon: (addon, kubeconfig) => phase(['addon', addon, '--kubeconfig', kubeconfig]),
  };
}
