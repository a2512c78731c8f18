/**
 * A container's log as the kubelet keeps it on the node (`/var/log/pods/<namespace>_<pod>_<uid>/<container>/0.log`), in the
 * CRI format: `2026-01-02T03:04:05.678901234Z stdout F text`, where `P` marks a part of a line that goes on.
 */
export interface LogText {
  /** RFC 3339, the node's wall clock, of the part that completed the line. */
  at: string;
  stream: 'stdout' | 'stderr';
  text: string;
}

const CRI_LINE = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) (\S+) ?(.*)$/s;
/** A line that never ends must not fill the memory; load lines at full speed are about a megabyte. */
const JOINED_MAX = 16 * 1024 * 1024;

/** Returns a reader that takes one line of the file after the other and gives a text once it is complete. */
export function podLogReader(): (line: string) => LogText | undefined {
  const parts = { stdout: '', stderr: '' };
  return (line) => {
    const [, at, stream, tags, text] = CRI_LINE.exec(line) ?? [];
    if (at === undefined || (stream !== 'stdout' && stream !== 'stderr')) return undefined;
    const joined = parts[stream] + (text ?? '');
    const isPartial = tags?.split(':')[0] === 'P';
    parts[stream] = isPartial && joined.length <= JOINED_MAX ? joined : '';
    return isPartial ? undefined : { at, stream, text: joined };
  };
}
