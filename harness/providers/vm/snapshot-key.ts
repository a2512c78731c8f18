/**
 * What decides whether a saved cluster can be gone on with: everything that its machines booted from, their hardware, the
 * control plane, what makes machines nodes of it, and the program that wrote it down. Whether they ran on KVM is not in it:
 * that takes seconds to find out, and is compared then. Pure, but for this machine's processor and
 * kernel, and this process's rights.
 */
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { sha256OfInputs } from '../../components/digest.ts';
import type { Plan } from '../../core/plan.ts';
import { dnsBefore } from './addons.ts';
import {
  apiServerArgs,
  controllerManagerArgs,
  etcdArgs,
  schedulerArgs,
} from './control-plane-argv.ts';
import { joinFiles } from './join-files.ts';
import { kubeadmConfig } from './kubeadm-config.ts';
import type { MachineSpec } from './machine.ts';
import { qemuArgv } from './qemu.ts';

/** Of what is done to a cluster before it is saved and cannot be seen below. */
const FORMAT = 'snapshot-9';
const KEY_CHARS = 16;
const NOBODY = { kubeconfig: '', clientPem: '' };

export interface SnapshotSpec {
  machine: Omit<MachineSpec, 'name' | 'index' | 'runId' | 'folder'>;
  /** Names of all nodes. */
  nodes: readonly string[];
  kubernetes: string;
  proxyMode: Plan['proxyMode'];
  kubeProxyImage: string;
  programDigests: readonly string[];
  /** Objects that are in it beside the cluster's own, as text. */
  workload: string;
}

/** @param qemu its version */
export function snapshotInputs(spec: SnapshotSpec, qemu: string): string[] {
  const { machine } = spec;
  const image = { ...machine.image, kernel: '', initrd: '', rootDisk: '', toolsDisk: '' };
  const nobody = { ...machine, image, name: '', index: 0, runId: '', folder: '/' };
  // KVM shows a guest the processor that it has.
  const host = [cpus()[0]?.model ?? '', release(), rights()];
  return [
    ...[FORMAT, machine.image.digest, `QEMU ${qemu}`, ...host, ...qemuArgv(nobody, 'kvm')],
    ...clusterInputs(spec),
  ];
}

/** Processes go on with the rights that they had: root of a user namespace has others than root. */
function rights(): string {
  const status = readFileSync('/proc/self/status', 'utf8');
  return `${/^CapEff:.*$/m.exec(status)?.[0] ?? ''} ${readFileSync('/proc/self/uid_map', 'utf8')}`;
}

function clusterInputs(spec: SnapshotSpec): string[] {
  const { machine, nodes, kubernetes, proxyMode, kubeProxyImage } = spec;
  const { testNics } = machine;
  const joined = nodes.map((_, index) =>
    joinFiles({ nodes, index, testNics, identity: NOBODY, ca: '' }),
  );
  const noDns = { spec: { template: { spec: { containers: [] } } } };
  return [
    ...spec.programDigests,
    ...[etcdArgs(''), apiServerArgs(''), controllerManagerArgs('', ''), schedulerArgs('')].flat(),
    kubeadmConfig({ kubernetes, pki: '', proxyMode }),
    ...[kubeProxyImage, spec.workload],
    JSON.stringify([joined, dnsBefore(noDns, nodes)]),
  ];
}

export function snapshotKey(inputs: readonly string[]): string {
  return sha256OfInputs(inputs).slice(0, KEY_CHARS);
}
