/** `kind create cluster`, with its progress as it comes and the reason where it fails. */
import { appendFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runWatched } from '../../components/watched.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { RUN_LABEL } from '../../core/names.ts';
import type { Engine } from './engine.ts';

const CREATE_MS = 360_000;
/** kind's label on the containers of a cluster. */
export const KIND_LABEL = 'io.x-k8s.kind.cluster';

export interface Creation {
  engine: Engine;
  /** Path of kind. */
  kind: string;
  name: string;
  runId: string;
  config: string;
  kubeconfig: string;
  logsDir: string;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** A network of the run's own: kind's default one is shared by all clusters of an engine and would outlive the run. */
export async function createNetwork({ engine, name, runId, signal }: Creation): Promise<void> {
  const labels = [`${RUN_LABEL}=${runId}`, `${KIND_LABEL}=${name}`];
  await engine.docker(
    ['network', 'create', ...labels.flatMap((label) => ['--label', label]), name],
    { timeoutMs: 60_000, signal },
  );
}

/** Makes the containers and the control plane; returns when kubeadm has joined every node. */
export async function createCluster(creation: Creation): Promise<void> {
  const { engine, kind, name, config, kubeconfig, logsDir, say, signal } = creation;
  const file = path.join(logsDir, 'kind.yaml');
  await writeFile(file, config);
  const logFile = path.join(logsDir, 'kind-create.log');
  // Kept when it fails, so that kubelet's words can be read; whoever asked for the cluster removes what is left.
  const options = ['--name', name, '--config', file, '--kubeconfig', kubeconfig, '--retain'];
  try {
    await runWatched(
      {
        argv: [kind, 'create', 'cluster', ...options],
        env: { ...engine.env(), KIND_EXPERIMENTAL_DOCKER_NETWORK: name },
      },
      {
        timeoutMs: CREATE_MS,
        signal,
        logFile,
        onLine: (line) => {
          const step = stepOf(line);
          if (step !== undefined) say(`kind: ${step}`);
        },
        isNoise: (line) => line.trim() === '' || NOISE.test(line),
      },
    );
  } catch (error) {
    signal.throwIfAborted();
    const tails = await nodeTails(creation);
    await appendFile(logFile, `\n${tails}\n`).catch(() => undefined);
    throw new CoalmineError('provision', `${messageOf(error)}\n${tails}`, {
      wayOut: `Read ${logFile}; \`coalmine doctor\` shows what is missing on this machine.`,
      cause: error,
    });
  }
}

/** kubeadm's debug lines and Go's stack traces, which say nothing about the cause. */
const NOISE = /^([IW]\d{4} |\s*k8s\.io\/|\s*github\.com\/|\s*runtime\.|\s*\t)/;

/** Returns what a finished step did, without kind's pictures; undefined for any other line. */
export function stepOf(line: string): string | undefined {
  const words = /^ ✓ (.*)$/u.exec(line)?.[1];
  return words?.replace(/[^\x20-\x7e]/gu, '').trim();
}

/** The last words of kubelet and containerd on each node: kind itself tells only kubeadm's side. */
async function nodeTails({ engine, name }: Creation): Promise<string> {
  const limits = { timeoutMs: 20_000 };
  const filter = ['--filter', `label=${KIND_LABEL}=${name}`, '--format', '{{.Names}}'];
  const listed = await engine.run(['ps', '--all', ...filter], limits).catch(() => undefined);
  const nodes = (listed?.stdout ?? '').split('\n').filter((node) => node !== '');
  const tails = nodes.map(async (node) => {
    const journal = ['journalctl', '--no-pager', '--output=cat', '--lines=12'];
    const units = ['--unit=kubelet', '--unit=containerd'];
    const said = await engine
      .run(['exec', node, ...journal, ...units], limits)
      .catch(() => undefined);
    const text = said?.exitCode === 0 ? said.stdout : 'its journal cannot be read';
    return `--- ${node}\n${text.trim()}`;
  });
  return (await Promise.all(tails)).join('\n');
}
