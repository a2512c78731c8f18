/** Cuts a byte stream into lines: chunks may end in mid-line or mid-character, and no line may grow without limit. */
import { StringDecoder } from 'node:string_decoder';

export interface LineSplitter {
  readonly push: (chunk: Buffer) => void;
  /** Delivers what is left without a line end. */
  readonly end: () => void;
}

/** `onLong` gets the first `maxChars` characters of a line that is longer; the rest of that line is dropped. */
export function splitLines(
  maxChars: number,
  onLine: (line: string) => void,
  onLong: (start: string) => void,
): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let parts: string[] = [];
  let chars = 0;
  let dropping = false;

  const grow = (text: string): void => {
    if (dropping || text === '') return;
    parts.push(text);
    chars += text.length;
    if (chars <= maxChars) return;
    dropping = true;
    onLong(parts.join('').slice(0, maxChars));
    parts = [];
  };
  const finish = (): void => {
    if (!dropping) onLine(parts.join(''));
    parts = [];
    chars = 0;
    dropping = false;
  };
  const feed = (text: string): void => {
    let from = 0;
    for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
      grow(text.slice(from, to));
      finish();
      from = to + 1;
    }
    grow(text.slice(from));
  };
  return {
    push: (chunk) => {
      feed(decoder.write(chunk));
    },
    end: () => {
      feed(decoder.end());
      if (chars > 0) finish();
    },
  };
}
