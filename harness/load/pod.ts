/** The pod around a load: bound to its node, tolerating everything, with coalmine's own files and no API token. */
import type { KubeObject } from '../core/kube.ts';
import { NODE_DIR, RUN_LABEL } from '../core/names.ts';
import type { LoadTarget } from './load.ts';

const LOAD_LABEL = 'coalmine.dev/load';
/** The name of the one container in a load pod; it is part of the path of the pod's log. */
export const LOAD_CONTAINER = 'load';
const NODE = `${NODE_DIR}/node`;
const GENERATOR = `${NODE_DIR}/generator.mjs`;
/** After SIGTERM: the longest request, then the last lines. */
const GRACE_MARGIN_MS = 5_000;

export interface LoadProcess {
  argv: readonly [string, ...string[]];
  env?: Readonly<Record<string, string>>;
  /** Longest that a request in flight may still take. */
  timeoutMs: number;
}

/** Returns the argv of the generator with `--name value` for each option that is given. */
export function generatorArgv(
  subcommand: string,
  options: Readonly<Record<string, string | number | undefined>>,
): [string, ...string[]] {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return [
    NODE,
    GENERATOR,
    subcommand,
    ...given.flatMap(([name, value]) => [`--${name}`, String(value)]),
  ];
}

function loadPodName(id: string): string {
  return `load-${id}`;
}

export function loadPod(target: LoadTarget, load: LoadProcess): KubeObject {
  const graceMs = load.timeoutMs + GRACE_MARGIN_MS;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: loadPodName(target.id),
      namespace: target.namespace,
      labels: { [RUN_LABEL]: target.runId, [LOAD_LABEL]: target.id },
    },
    spec: {
      nodeName: target.node,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: Math.ceil(graceMs / 1_000),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [{ operator: 'Exists' }],
      containers: [
        {
          name: LOAD_CONTAINER,
          image: target.image,
          imagePullPolicy: 'Never',
          command: load.argv,
          env: Object.entries(load.env ?? {}).map(([name, value]) => ({ name, value })),
          volumeMounts: [nodeDirMount],
        },
      ],
      volumes: [nodeDirVolume],
    },
  };
}

/** coalmine's files on the node, read-only in the container under the same path. */
export const nodeDirVolume = {
  name: 'coalmine',
  hostPath: { path: NODE_DIR, type: 'Directory' },
} as const;
export const nodeDirMount = { name: 'coalmine', mountPath: NODE_DIR, readOnly: true } as const;
