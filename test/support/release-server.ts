/** A real HTTP server with the layout of the upstream release hosts, which can also misbehave. */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = string | Buffer | ((response: ServerResponse) => void);

export interface ReleaseServer {
  url: string;
  /** Paths asked for, in order. */
  asked: string[];
  connections(): number;
  close(): void;
}

/** Serves `files` by path below the mirror: `/dl.k8s.io/release/…`. Everything else is 404. */
export async function serveReleases(
  files: Readonly<Record<string, Answer>>,
  listenOn = 0,
): Promise<ReleaseServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = request.url ?? '';
    asked.push(name);
    const answer = files[name];
    if (answer === undefined) response.writeHead(404).end('no such file');
    else if (typeof answer === 'function') answer(response);
    else response.end(answer);
  });
  let connections = 0;
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(listenOn, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    connections: () => connections,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
