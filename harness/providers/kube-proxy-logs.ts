/**
 * Follows what every kube-proxy says while it lives. kubelet deletes a pod's log with the pod, and an upgrade deletes
 * pods: what is collected only at the end has lost the old version's words.
 */
import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import type { KubeApi } from '../core/kube.ts';

/** Beyond this a log is cut, with a line that says so. */
const BYTES_MAX = 50 * 1024 * 1024;
const FLUSH_MS = 500;

const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.literal('kube-system'),
    uid: z.string(),
    labels: z.object({ 'k8s-app': z.literal('kube-proxy') }),
  }),
  spec: z.object({ nodeName: z.string() }),
  status: z.object({
    containerStatuses: z.tuple(
      [z.object({ restartCount: z.number(), state: z.object({ running: z.unknown() }) })],
      z.unknown(),
    ),
  }),
});

/** Hands on the lines of a file on a node, from its first on, until the returned function is called. */
export type FollowFile = (node: string, file: string, onLine: (line: string) => void) => () => void;

export interface LogFollower {
  /** Writes out what has come and ends the followers. Idempotent. */
  stop(): Promise<void>;
}

/** Resolves once every kube-proxy that runs now is followed. */
export async function followKubeProxyLogs(
  kube: KubeApi,
  followFile: FollowFile,
  logsDir: string,
  say: (line: string) => void,
): Promise<LogFollower> {
  const folder = path.join(logsDir, 'kube-proxy');
  await mkdir(folder, { recursive: true });
  const ending = new AbortController();
  const tails = new Map<string, () => void>();
  const sinks = new Map<string, Sink>();
  await kube.watch(
    { apiVersion: 'v1', kind: 'Pod' },
    ({ object }) => {
      const { data: pod } = podSchema.safeParse(object);
      const [container] = pod?.status.containerStatuses ?? [];
      if (pod === undefined || container?.state.running === undefined) return;
      const key = `${pod.metadata.uid} ${container.restartCount}`;
      if (tails.has(key)) return;
      const node = pod.spec.nodeName;
      const sink = sinks.get(node) ?? sinkInto(path.join(folder, `${node}.log`), say);
      sinks.set(node, sink);
      const file = logFile(pod, container.restartCount);
      const onLine = (line: string): void => {
        sink.write(withoutCriPrefix(line));
      };
      tails.set(key, followFile(node, file, onLine));
    },
    ending.signal,
  );
  return {
    stop: async () => {
      ending.abort();
      for (const stop of tails.values()) stop();
      tails.clear();
      for (const sink of sinks.values()) await sink.close();
      sinks.clear();
    },
  };
}

function logFile({ metadata }: z.infer<typeof podSchema>, restart: number): string {
  const { namespace, name, uid } = metadata;
  return `/var/log/pods/${namespace}_${name}_${uid}/kube-proxy/${restart}.log`;
}

/** The file stays open in tail after kubelet has deleted it, so nothing is lost at the end of a pod. */
export function tailArgv(file: string, fromLine = 1): [string, ...string[]] {
  return ['tail', `--lines=+${fromLine}`, '--follow=name', '--retry', file];
}

/** containerd writes `TIME STREAM F|P TEXT`; the time is kept. */
export function withoutCriPrefix(line: string): string {
  return line.replace(/^(\S+) (?:stdout|stderr) [FP] /, '$1 ');
}

interface Sink {
  write(line: string): void;
  close(): Promise<void>;
}

/** Gathers lines and writes them out twice a second, in order. */
function sinkInto(file: string, say: (line: string) => void): Sink {
  let waiting: string[] = [];
  let bytes = 0;
  let writing = Promise.resolve();
  let refused = false;
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return writing;
    const text = `${waiting.join('\n')}\n`;
    waiting = [];
    writing = writing
      .then(() => appendFile(file, text))
      .catch((error: unknown) => {
        // On a full disk it would be the same twice a second.
        if (!refused) say(`${file}: ${messageOf(error)}`);
        refused = true;
      });
    return writing;
  };
  const timer = setInterval(() => void flush(), FLUSH_MS);
  timer.unref();
  return {
    write: (line) => {
      if (bytes > BYTES_MAX) return;
      bytes += line.length + 1;
      waiting.push(bytes > BYTES_MAX ? 'coalmine: the log was cut here' : line);
    },
    close: async () => {
      clearInterval(timer);
      await flush();
    },
  };
}
