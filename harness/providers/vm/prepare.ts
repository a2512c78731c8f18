/** Everything that a cluster of machines is made of, there before anything is started. */
import type { ComponentStore } from '../../components/component.ts';
import type { Program } from '../../components/bundle.ts';
import {
  kubeProxyImageName,
  makeLoadImage,
  type ImageMaking,
} from '../../components/image/images.ts';
import { makeVmImage, type VmImage } from '../../components/image/vm-image.ts';
import type { ToolsFile } from '../../components/image/tools-disk.ts';
import type { ProvisionContext } from '../provider.ts';
import type { Criu } from './checkpoint.ts';
import { CONTROL_PLANE_PROGRAMS, type ControlPlaneOptions } from './control-plane.ts';
import type { SnapshotCache } from './snapshot-store.ts';
import { vmVersions } from './versions.ts';

export interface VmParts {
  store: ComponentStore;
  /** The store's folder of Go caches. */
  goFolder: string;
  /** What goes below NODE_DIR on every node, beside the Node.js binary. */
  nodeFiles: readonly ToolsFile[];
  /** The bundled program that commands of the undo journal run on machines with. */
  machineProgram: Program;
  /** File: what is known about KVM here. */
  kvmRefused: string;
  /** What saves processes; they start each time where absent. */
  criu?: Criu;
  /** Where machines are kept that have booted; each boots where absent. */
  snapshots?: SnapshotCache;
}

export interface Prepared extends Pick<VmParts, 'criu'> {
  image: VmImage;
  programs: ControlPlaneOptions['programs'];
  /** Of each program of the control plane. */
  programDigests: readonly string[];
  loadImage: string;
  kubeProxyImage(version: string): string;
}

export async function prepareVm(
  { store, goFolder, nodeFiles, criu }: VmParts,
  { plan, say, signal }: Pick<ProvisionContext, 'plan' | 'say' | 'signal'>,
): Promise<Prepared> {
  const making: ImageMaking = { store, goFolder, context: { say, signal } };
  const versions = vmVersions(plan);
  const { kubernetes, etcd, kubeProxy } = versions;
  const found = [...CONTROL_PLANE_PROGRAMS, 'kubeadm' as const].map(async (component) => {
    const version = component === 'etcd' ? etcd : kubernetes;
    return store.ensure({ component, version }, making.context);
  });
  const load = await makeLoadImage(making, versions);
  const programs = await Promise.all(found);
  return {
    ...(criu === undefined ? {} : { criu }),
    image: await makeVmImage(making, versions, nodeFiles),
    programs: Object.fromEntries(
      programs.map(({ name, path }) => [name, path]),
    ) as Prepared['programs'],
    programDigests: programs.map(({ digest }) => digest),
    loadImage: load.names[0] ?? '',
    kubeProxyImage: (version) => kubeProxyImageName(version, kubeProxy.suite),
  };
}
