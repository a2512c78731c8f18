/** A load is a pod on a node that sends requests and prints one NDJSON line an interval (lines.ts). */
import type { z } from 'zod';
import type { KubeObject } from '../core/kube.ts';

export interface LoadTarget {
  runId: string;
  /** Unique name of this load in the scenario; becomes part of the pod's name. */
  id: string;
  /** The node that the pod is bound to. */
  node: string;
  namespace: string;
  /** Image with dnsperf, k6, node, agnhost and the bundled generator under /coalmine. */
  image: string;
}

export interface Load<P> {
  readonly name: string;
  readonly type: 'dns' | 'http' | 'flow';
  readonly params: z.ZodType<P>;
  /** Returns the pod that makes this load. Pure. */
  pod(params: P, target: LoadTarget): KubeObject;
}
