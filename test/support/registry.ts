/** A read-only image registry in memory: as much of the distribution protocol as `docker pull` asks for. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ImageSpec } from '../../harness/components/image/archive.ts';
import { imageConfig } from '../../harness/components/image/archive.ts';
import { stat } from 'node:fs/promises';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const CONFIG = 'application/vnd.docker.container.image.v1+json';
const LAYER = 'application/vnd.docker.image.rootfs.diff.tar';

type Blob = { text: string } | { file: string; size: number };

export interface Registry {
  /** `127.0.0.1:PORT`: docker speaks plain HTTP to loopback. */
  readonly address: string;
  /** What was asked for, `METHOD PATH`. */
  readonly requests: string[];
  /** @param name `kindest/node:v1.34.3`, without a host */
  add(name: string, image: Omit<ImageSpec, 'names'>): Promise<void>;
  close(): void;
}

export async function startRegistry(): Promise<Registry> {
  const blobs = new Map<string, Blob>();
  /** Path below /v2/ to the digest of a manifest. */
  const manifests = new Map<string, string>();
  const requests: string[] = [];
  const server = createServer(({ method = '', url = '' }, response) => {
    requests.push(`${method} ${url}`);
    const [, repository, kind, reference] =
      /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url) ?? [];
    if (url === '/v2/') return void response.writeHead(200).end('{}');
    const digest =
      kind === 'manifests' ? (manifests.get(`${repository}:${reference}`) ?? reference) : reference;
    const blob = blobs.get(digest ?? '');
    if (blob === undefined || digest === undefined) return void response.writeHead(404).end('{}');
    send(response, blob, digest, method === 'HEAD', kind === 'manifests');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const put = (text: string): { digest: string; size: number } => {
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    blobs.set(digest, { text });
    return { digest, size: Buffer.byteLength(text) };
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    add: async (name, image) => {
      const layers = await Promise.all(
        image.layers.map(async ({ path, digest }) => {
          const { size } = await stat(path);
          blobs.set(`sha256:${digest}`, { file: path, size });
          return { mediaType: LAYER, digest: `sha256:${digest}`, size };
        }),
      );
      const config = { mediaType: CONFIG, ...put(imageConfig({ ...image, names: [] })) };
      const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
      manifests.set(name, put(JSON.stringify(manifest)).digest);
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function send(
  response: ServerResponse,
  blob: Blob,
  digest: string,
  headOnly: boolean,
  isManifest: boolean,
): void {
  response.writeHead(200, {
    'Content-Type': isManifest ? MANIFEST : 'application/octet-stream',
    'Content-Length': 'text' in blob ? Buffer.byteLength(blob.text) : blob.size,
    'Docker-Content-Digest': digest,
  });
  if (headOnly) response.end();
  else if ('text' in blob) response.end(blob.text);
  else createReadStream(blob.file).pipe(response);
}
