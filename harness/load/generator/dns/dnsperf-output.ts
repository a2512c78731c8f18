/**
 * What `dnsperf -v` says about each query: `> NOERROR a.example A 0.000983`, `> T a.example AAAA` for a timeout, and `> I`
 * for what was in flight when it was interrupted.
 */
export type DnsperfLine =
  | { kind: 'answer'; rcode: string; latencyMs: number }
  | { kind: 'timeout' }
  | { kind: 'interrupted' }
  | { kind: 'talk' };

const ANSWER = /^> ([A-Z0-9]+) .* (\d+\.\d+)$/;
const TIMEOUT = /^> T /;
const INTERRUPTED = /^> I /;

export function readDnsperfLine(line: string): DnsperfLine {
  if (TIMEOUT.test(line)) return { kind: 'timeout' };
  if (INTERRUPTED.test(line)) return { kind: 'interrupted' };
  const [, rcode, seconds] = ANSWER.exec(line) ?? [];
  if (rcode !== undefined && seconds !== undefined)
    return { kind: 'answer', rcode, latencyMs: Number(seconds) * 1_000 };
  return { kind: 'talk' };
}
