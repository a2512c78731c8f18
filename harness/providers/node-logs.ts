/** What the nodes said, as files below the run's logs folder: `NODE/kubelet.log`, `kube-proxy/NODE.log`, … */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { ClusterNode } from './provider.ts';

/** A soak's log can be endless; its end is what tells. */
const BYTES_MAX = 20 * 1024 * 1024;
const LIMITS = { timeoutMs: 60_000 };

export const NODE_UNITS = ['kubelet', 'containerd'];
const PODS = '/var/log/pods';
/** Folders of it begin with the namespace and the pod's name. */
const POD_LOGS = [
  { pods: 'kube-system_coredns-', file: 'coredns.log' },
  { pods: 'kube-system_kube-apiserver-', file: 'kube-apiserver.log' },
  { pods: 'kube-system_kube-controller-manager-', file: 'kube-controller-manager.log' },
] as const;

/** Never throws: what cannot be read is said and left out. */
export async function collectNodeLogs(
  nodes: readonly ClusterNode[],
  {
    logsDir,
    units,
    say,
  }: { logsDir: string; units: readonly string[]; say: (line: string) => void },
): Promise<void> {
  const jobs = nodes.flatMap((node) => {
    const found = podLogFiles(node);
    found.catch(() => undefined); // told of each below
    return [
      ...units.map((unit) => ({ file: `${unit}.log`, read: () => journalOf(node, unit) })),
      ...POD_LOGS.map(({ pods, file }) => ({
        file,
        read: async () =>
          ends(
            node,
            (await found).filter((one) => one.startsWith(`${PODS}/${pods}`)),
          ),
      })),
    ].map(({ file, read }) => ({ file: path.join(node.name, file), read }));
  });
  await Promise.all(
    jobs.map(async ({ file, read }) => {
      try {
        const text = await read();
        if (text === '') return;
        const target = path.join(logsDir, file);
        await mkdir(path.dirname(target), { recursive: true });
        await writeFile(target, text);
      } catch (error) {
        say(`no ${file}: ${messageOf(error)}`);
      }
    }),
  );
}

async function journalOf(node: ClusterNode, unit: string): Promise<string> {
  const format = ['--no-pager', '--output=short-iso-precise', '--lines=20000'];
  const journal = ['journalctl', `--unit=${unit}`, ...format] as const;
  return lastBytes((await node.run({ argv: [...journal] }, LIMITS)).stdout);
}

async function podLogFiles(node: ClusterNode): Promise<string[]> {
  const find = ['find', PODS, '-path', `${PODS}/kube-system_*`, '-name', '*.log'] as const;
  const { stdout } = await node.run({ argv: [...find] }, LIMITS);
  return stdout
    .split('\n')
    .filter((file) => file !== '')
    .sort();
}

/** One after the other, as one. */
async function ends(node: ClusterNode, files: readonly string[]): Promise<string> {
  if (files.length === 0) return '';
  const tail = ['tail', `--bytes=${BYTES_MAX}`, '--quiet', '--'] as const;
  return lastBytes((await node.run({ argv: [...tail, ...files] }, LIMITS)).stdout);
}

function lastBytes(text: string): string {
  return text.length <= BYTES_MAX ? text : text.slice(-BYTES_MAX);
}
