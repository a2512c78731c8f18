/** One Service of each kind, so that the freshness oracle has every kind of rule to compare. */
import type { KubeObject } from '../core/kube.ts';
import { NAMESPACE } from '../core/names.ts';

export interface ServicesOptions {
  /** Value of the label `app` that the backends carry. */
  app: string;
  /** The backends' named ports. */
  portNames: readonly [http: string, flow: string, udp: string];
  /** A Service without a selector has no pods in which a name could be looked up. */
  churnedTargetPort: number;
}

export function services(options: ServicesOptions): KubeObject[] {
  const [http, flow, udp] = options.portNames;
  const selector = { app: options.app };
  const httpPort = { name: 'http', port: 80, targetPort: http, protocol: 'TCP' };
  const flowPort = { name: 'flow', port: 7_000, targetPort: flow, protocol: 'TCP' };
  const udpPort = { name: 'udp', port: 8_081, targetPort: udp, protocol: 'UDP' };
  const service = (name: string, spec: Record<string, unknown>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE },
    spec,
  });
  return [
    service('echo', { selector, ports: [httpPort, flowPort] }),
    service('echo-udp', { selector, ports: [udpPort] }),
    service('echo-headless', { selector, clusterIP: 'None', ports: [httpPort] }),
    service('echo-sticky', {
      selector,
      ports: [httpPort],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
    }),
    service('echo-node-port', {
      selector,
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      ports: [httpPort],
    }),
    service('echo-node-local', {
      selector,
      internalTrafficPolicy: 'Local',
      ports: [httpPort],
    }),
    // Its EndpointSlice belongs to the churn.
    service('churned', { ports: [{ ...httpPort, targetPort: options.churnedTargetPort }] }),
  ];
}
