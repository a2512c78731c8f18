/** What the nodes said, as files below the run's logs folder: `NODE/kubelet.log`, `kube-proxy/NODE.log`, … */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { ClusterNode } from './provider.ts';

/** A soak's log can be endless; its end is what tells. */
const BYTES_MAX = 20 * 1024 * 1024;
const LIMITS = { timeoutMs: 60_000 };

export const NODE_UNITS = ['kubelet', 'containerd'];
/** Folders of /var/log/pods begin with the namespace and the pod's name. */
const POD_LOGS = [
  { pods: 'kube-system_coredns-', file: (node: string) => path.join(node, 'coredns.log') },
  {
    pods: 'kube-system_kube-apiserver-',
    file: (node: string) => path.join(node, 'kube-apiserver.log'),
  },
  {
    pods: 'kube-system_kube-controller-manager-',
    file: (node: string) => path.join(node, 'kube-controller-manager.log'),
  },
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
  const jobs = nodes.flatMap((node) => [
    ...units.map((unit) => ({
      file: path.join(node.name, `${unit}.log`),
      read: () => journalOf(node, unit),
    })),
    ...POD_LOGS.map(({ pods, file }) => ({
      file: file(node.name),
      read: () => podLogs(node, pods),
    })),
  ]);
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

async function podLogs(node: ClusterNode, pods: string): Promise<string> {
  const find = [
    'find',
    '/var/log/pods',
    '-path',
    `/var/log/pods/${pods}*`,
    '-name',
    '*.log',
  ] as const;
  const found = (await node.run({ argv: [...find] }, LIMITS)).stdout
    .split('\n')
    .filter((file) => file !== '')
    .sort();
  const tail = ['tail', `--bytes=${BYTES_MAX}`, '--quiet', '--'] as const;
  if (found.length === 0) return '';
  return lastBytes((await node.run({ argv: [...tail, ...found] }, LIMITS)).stdout);
}

function lastBytes(text: string): string {
  return text.length <= BYTES_MAX ? text : text.slice(-BYTES_MAX);
}
