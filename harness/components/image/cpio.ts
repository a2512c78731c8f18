/** Writes a cpio archive in the "newc" format, the one that Linux unpacks as its first root. Pure. */

export type CpioEntry = { path: string } & (
  { folder: true } | { mode: number; content: Uint8Array } | { device: readonly [number, number] }
);

const FOLDER = 0o040755;
const FILE = 0o100000;
const CHARACTER_DEVICE = 0o020600;

/** Folders must come before what is in them. */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  const parts = entries.flatMap((entry, index) => record(entry.path, bodyOf(entry), index + 1));
  return Buffer.concat([...parts, ...record('TRAILER!!!', { mode: 0, content: NOTHING }, 0)]);
}

const NOTHING = new Uint8Array();

interface Body {
  mode: number;
  content: Uint8Array;
  device?: readonly [number, number];
}

function bodyOf(entry: CpioEntry): Body {
  if ('folder' in entry) return { mode: FOLDER, content: NOTHING };
  if ('device' in entry) return { mode: CHARACTER_DEVICE, content: NOTHING, device: entry.device };
  return { mode: FILE | entry.mode, content: entry.content };
}

function record(path: string, { mode, content, device = [0, 0] }: Body, inode: number): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const fields = [
    ...[inode, mode, 0, 0, 1, 0, content.length],
    ...[0, 0, ...device, name.length, 0],
  ];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return [padded(Buffer.concat([Buffer.from(head), name])), padded(Buffer.from(content))];
}

/** Head with name, and content, each end on a multiple of four. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
