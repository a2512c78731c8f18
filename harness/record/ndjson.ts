/** Reads newline-separated JSON that a crash may have torn: intact lines are kept, each damaged one is named. */

interface DamagedLine {
  line: number;
  why: string;
  /** The last line of the file: what a crash while writing leaves behind. */
  tail: boolean;
}

export interface Parsed<T> {
  /** In the order of the file. */
  values: T[];
  damaged: DamagedLine[];
}

const NEWLINE = 0x0a;

/**
 * `understand` returns the value or throws with the reason. Works on bytes line by line, because a soak's file is larger
 * than the longest string that there can be.
 */
export function parseNdjson<T>(bytes: Buffer, understand: (json: unknown) => T): Parsed<T> {
  const values: T[] = [];
  const damaged: DamagedLine[] = [];
  for (let start = 0, line = 1; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const text = bytes.toString('utf8', start, end);
    start = end + 1;
    try {
      values.push(understand(JSON.parse(text)));
    } catch (error) {
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      damaged.push({ line, why, tail: start >= bytes.length });
    }
  }
  return { values, damaged };
}
