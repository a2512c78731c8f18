/** The project's published binary, its checksum verified. The quickest way for who has internet. */
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Environment } from '../cache-folder.ts';
import type { ComponentRef } from '../component.ts';
import { sha256OfFile } from '../digest.ts';
import { demandDisk, formatBytes } from '../disk.ts';
import { withProgress } from '../progress.ts';
import { DOWNLOAD_LIMITS, downloadFile, downloadText, type DownloadLimits } from './download.ts';
import { findChecksum, releaseLayout, type Published } from './release-layout.ts';
import { goArch, type Provenance, type Source, type SourceContext } from './source.ts';

const UNPACK_TIMEOUT_MS = 120_000;
/** The largest download with its unpacked content. */
const NEED_BYTES = 500_000_000;
const ABOUT_SECONDS = 20;

/** A mirror holds every host as a folder: `MIRROR/dl.k8s.io/release/…`. */
const MIRROR_VARIABLE = 'COALMINE_RELEASE_MIRROR';

export const releaseSource: Source = releaseSourceWith(DOWNLOAD_LIMITS);

export function releaseSourceWith(limits: DownloadLimits): Source {
  return {
    name: 'release',
    fetch: (ref, file, context) => fetchRelease(ref, file, context, limits),
    offers: async (ref, context) => {
      await checksumOf(ref, context, limits);
    },
  };
}

async function fetchRelease(
  ref: ComponentRef,
  file: string,
  context: SourceContext,
  limits: DownloadLimits,
): Promise<Provenance> {
  const { published, url, wanted } = await checksumOf(ref, context, limits);
  const { signal } = context;
  await demandDisk(context.cache.root, NEED_BYTES, `downloading ${ref.component} ${ref.version}`);
  const archive = `${file}.download`;
  await show(ref, context, (onBytes) => downloadFile({ url, limits, signal }, archive, onBytes));
  const got = await sha256OfFile(archive);
  if (got !== wanted)
    throw new CoalmineError('component', `${url} has the sha256 ${got} instead of ${wanted}`);
  await takeOut(published, archive, file, signal);
  return { origin: url, toolchain: '', build: 'none' };
}

async function checksumOf(
  ref: ComponentRef,
  { env, signal }: SourceContext,
  limits: DownloadLimits,
): Promise<{ published: Published; url: string; wanted: string }> {
  const published = releaseLayout(ref.component, ref.version, goArch());
  if (published === undefined) throw new CoalmineError('component', 'not published as a binary');
  const url = mirrored(published.url, env);
  const checksumUrl = mirrored(published.checksumUrl, env);
  const sums = await downloadText({ url: checksumUrl, limits, signal });
  const wanted = findChecksum(sums, path.posix.basename(url));
  if (wanted !== undefined) return { published, url, wanted };
  throw new CoalmineError('component', `${checksumUrl} has no sha256 of the file`);
}

function mirrored(url: string, env: Environment): string {
  const mirror = env[MIRROR_VARIABLE];
  if (mirror === undefined || mirror === '') return url;
  return `${mirror.replace(/\/$/, '')}/${url.replace(/^https:\/\//, '')}`;
}

async function show(
  { component, version }: ComponentRef,
  { say }: SourceContext,
  work: (onBytes: (received: number, total: number | undefined) => void) => Promise<void>,
): Promise<void> {
  let detail = '';
  const what = `${component} ${version}: downloading the release`;
  await withProgress({ what, aboutSeconds: ABOUT_SECONDS, say, detail: () => detail }, () =>
    work((received, total) => {
      detail = `${formatBytes(received)}${total === undefined ? '' : ` of ${formatBytes(total)}`}`;
    }),
  );
}

async function takeOut(
  { url, member }: Published,
  archive: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  if (member === undefined) {
    await rename(archive, file);
    return;
  }
  const folder = path.dirname(file);
  await runOrThrow(
    local,
    { argv: ['tar', '-xzf', archive, '-C', folder, '--no-same-owner', member] },
    { timeoutMs: UNPACK_TIMEOUT_MS, signal, code: 'component', wayOut: `look into ${url}` },
  );
  await rename(path.join(folder, member), file);
}
