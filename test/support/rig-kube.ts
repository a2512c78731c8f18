/** The real Kubernetes client on a rig: its unix socket gets a loopback port, because the client speaks only TCP. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import type { RunClock } from '../../harness/core/clock.ts';
import type { KubeApi } from '../../harness/core/kube.ts';
import { connectKube } from '../../harness/providers/kube.ts';
import type { ProxyRig } from './proxy-rig.ts';

export interface RigKube {
  readonly kube: KubeApi;
  stop(): void;
}

export async function connectRigKube(rig: ProxyRig, clock: RunClock): Promise<RigKube> {
  const server = createServer((client) => {
    const upstream = connect(rig.socketPath);
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const kubeconfig = path.join(rig.folder, 'outside-kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'rig',
        cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true },
      },
    ],
    users: [{ name: 'rig', user: {} }],
    contexts: [{ name: 'rig', context: { cluster: 'rig', user: 'rig' } }],
    'current-context': 'rig',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  return {
    kube: await connectKube(kubeconfig, clock),
    stop: () => {
      server.close();
    },
  };
}
