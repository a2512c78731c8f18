/** Everything that a machine boots from, made from components: kernel, initrd, root disk, tools disk. */
import type { Artifact, ComponentName } from '../component.ts';
import { sha256OfInputs } from '../digest.ts';
import { PINS } from '../plan-components.ts';
import { makeMachineImages, type ImageMaking, type ImageVersions } from './images.ts';
import { produceInitrd } from './initrd.ts';
import { layerProduction } from './layer.ts';
import { producePortProgram } from './port-program.ts';
import { produceRootDisk } from './root-disk.ts';
import { DEFAULT_SUITE, produceRootfs } from './rootfs.ts';
import { produceToolsDisk, type ToolsFile } from './tools-disk.ts';
import { vmEntries } from './vm-files.ts';
import { produceVmlinuz } from './vmlinuz.ts';

export interface VmImageVersions extends ImageVersions {
  /** Series: `6.1`. */
  kernel: string;
  /** Debian's version; no irqbalance runs where absent. */
  irqbalance?: string;
  /** Every version that kube-proxy has during the run, and the Debian release whose iptables they call. */
  kubeProxy: { all: readonly string[]; suite: string };
}

export interface VmImage {
  /** Files on this machine. The disks are raw and shared: a machine writes to an overlay of its own. */
  kernel: string;
  initrd: string;
  rootDisk: string;
  toolsDisk: string;
  /** Of all four. */
  digest: string;
  cmdline: readonly string[];
}

const LAYER_BYTES = 200_000_000;

/** What the kernel is told; who starts a machine adds its own words, `systemd.hostname=` for example. */
const CMDLINE = [
  ...['console=ttyS0', 'net.ifnames=0', 'quiet', 'systemd.show_status=auto'],
  // What they guard against is not in a test's guest, and without KVM they cost the most.
  ...['mitigations=off', 'audit=0', 'lsm='],
  // Without KVM each look at another clock leaves the guest's code; QEMU's TSC is one for all CPUs and stops with them.
  'tsc=reliable',
  ...['systemd.unified_cgroup_hierarchy=1', 'systemd.firstboot=off'],
];

/** @param nodeFiles what goes below NODE_DIR beside the Node.js binary and what this adds itself */
export async function makeVmImage(
  making: ImageMaking,
  versions: VmImageVersions,
  nodeFiles: readonly ToolsFile[],
): Promise<VmImage> {
  const { store, context } = making;
  const component = (name: ComponentName, version: string): Promise<Artifact> =>
    store.ensure({ component: name, version }, context);
  const kernel = await component('kernel', versions.kernel);
  const { irqbalance } = versions;
  const node = await component('node', process.versions.node);
  const parts = {
    vmlinuz: await produceVmlinuz(store, kernel, context),
    initrd: await produceInitrd(store, kernel, await component('busybox', PINS.busybox), context),
    root: await makeRoot(making, versions),
    tools: await produceToolsDisk(
      store,
      {
        kernel,
        irqbalance:
          irqbalance === undefined ? undefined : await component('irqbalance', irqbalance),
        files: [{ from: node.path, to: 'node', digest: node.digest }, ...nodeFiles],
      },
      context,
    ),
  };
  return {
    kernel: parts.vmlinuz.path,
    initrd: parts.initrd.path,
    rootDisk: parts.root.path,
    toolsDisk: parts.tools.path,
    digest: sha256OfInputs([...Object.values(parts).map(({ digest }) => digest), ...CMDLINE]),
    cmdline: CMDLINE,
  };
}

async function makeRoot(making: ImageMaking, versions: VmImageVersions): Promise<Artifact> {
  const { store, goFolder, context } = making;
  const { kubernetes } = versions;
  const { images, pauseImage } = await makeMachineImages(making, versions, versions.kubeProxy);
  const programs = {
    onPort: await producePortProgram(store, goFolder, context),
    kubelet: await store.ensure({ component: 'kubelet', version: kubernetes }, context),
  };
  const entries = vmEntries(programs, pauseImage);
  const layers = [
    await produceRootfs(store, 'node', DEFAULT_SUITE, context),
    await store.produce(layerProduction('vm-node', kubernetes, entries, LAYER_BYTES), context),
  ];
  return await produceRootDisk(store, { kubernetes, layers, images }, context);
}
