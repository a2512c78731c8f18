/** What is under test in the cluster: backends on every node behind one Service of every kind that kube-proxy treats its own way. */
import type { KubeObject } from '../core/kube.ts';
import { NAMESPACE, NODE_DIR, RUN_LABEL } from '../core/names.ts';
import { nodeDirMount, nodeDirVolume } from './pod.ts';
import { services } from './services.ts';

/** The Deployment's name, and the value of its pods' label `app`. */
export const WORKLOAD_DEPLOYMENT = 'echo';
const HTTP_PORT = 8_080;
const UDP_PORT = 8_081;
const FLOW_PORT = 7_000;
/** Both servers go on for so long after SIGTERM, until every node has dropped them from its rules. */
const LINGER_S = 5;

/** Looks often, so that a backend is Ready soon after it serves, and forgives what a busy node is late with. */
const EACH_SECOND = { periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 6 } as const;

export interface WorkloadOptions {
  runId: string;
  /** Holds agnhost; its pull policy is Never. */
  image: string;
  replicas: number;
}

/**
 * Returns the namespace, the Deployment `echo` and its Services, in the order in which to create them. Only the namespace says
 * whose run it is: what a saved cluster has already is then this run's without a change, of which each kube-proxy would
 * hear, and write its rules again.
 */
export function workload(options: WorkloadOptions): KubeObject[] {
  const labels = { [RUN_LABEL]: options.runId };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } },
    ...services({
      app: WORKLOAD_DEPLOYMENT,
      portNames: ['http', 'flow', 'udp'],
      churnedTargetPort: HTTP_PORT,
    }),
    deployment(options),
  ];
}

function deployment(options: WorkloadOptions): KubeObject {
  const selector = { matchLabels: { app: WORKLOAD_DEPLOYMENT } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: WORKLOAD_DEPLOYMENT, namespace: NAMESPACE },
    spec: {
      replicas: options.replicas,
      selector,
      // A new backend is up before an old one goes, so that a restart by itself loses nothing.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels: { app: WORKLOAD_DEPLOYMENT } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: LINGER_S + 10,
          tolerations: [{ operator: 'Exists' }],
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: selector,
              // Without it, the pods that a rollout takes away count, and both new ones may land on one node.
              matchLabelKeys: ['pod-template-hash'],
            },
          ],
          containers: [httpContainer(options.image), flowContainer(options.image)],
          volumes: [nodeDirVolume],
        },
      },
    },
  };
}

function httpContainer(image: string): Record<string, unknown> {
  const options = ['--http-port', HTTP_PORT, '--udp-port', UDP_PORT, '--delay-shutdown', LINGER_S];
  return {
    name: 'http',
    image,
    imagePullPolicy: 'Never',
    command: ['/usr/local/bin/agnhost', 'netexec', ...options.map(String)],
    ports: [
      { name: 'http', containerPort: HTTP_PORT, protocol: 'TCP' },
      { name: 'udp', containerPort: UDP_PORT, protocol: 'UDP' },
    ],
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, ...EACH_SECOND },
  };
}

function flowContainer(image: string): Record<string, unknown> {
  const linger = ['--linger-ms', String(LINGER_S * 1_000)];
  return {
    name: 'flow',
    image,
    imagePullPolicy: 'Never',
    command: [
      `${NODE_DIR}/node`,
      `${NODE_DIR}/generator.mjs`,
      ...['echo', '--port', String(FLOW_PORT), ...linger],
    ],
    ports: [{ name: 'flow', containerPort: FLOW_PORT, protocol: 'TCP' }],
    readinessProbe: { tcpSocket: { port: 'flow' }, ...EACH_SECOND },
    volumeMounts: [nodeDirMount],
  };
}
