/** `pass < inconclusive < fail`; a run's verdict is the worst of its findings. `dirty` stands beside the scale. */
export const VERDICTS = ['pass', 'inconclusive', 'fail'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Returns the worst verdict; nothing at all is inconclusive, because nothing was judged. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.length === 0) return 'inconclusive';
  return verdicts.reduce((a, b) => (VERDICTS.indexOf(b) > VERDICTS.indexOf(a) ? b : a));
}
