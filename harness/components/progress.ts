/** Long work says every ten seconds that it is still going on, how long it has taken and about how long it takes. */
import { monotonicMs } from '../core/clock.ts';

const EVERY_MS = 10_000;

export interface Progress {
  /** `kubelet 1.34.3: building from its Go module`. */
  what: string;
  aboutSeconds: number;
  say: (line: string) => void;
  /** What is known beyond the time, asked at each line: `312 packages compiled`. */
  detail?: () => string;
}

export async function withProgress<T>(progress: Progress, work: () => Promise<T>): Promise<T> {
  const startMs = monotonicMs();
  progress.say(`${progress.what}, about ${wholeSeconds(progress.aboutSeconds)}`);
  const timer = setInterval(() => {
    progress.say(progressLine(progress, (monotonicMs() - startMs) / 1_000));
  }, EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

export function progressLine(progress: Progress, elapsedSeconds: number): string {
  const detail = progress.detail?.() ?? '';
  const time = `${wholeSeconds(elapsedSeconds)} of about ${wholeSeconds(progress.aboutSeconds)}`;
  return `${progress.what}, ${time}${detail === '' ? '' : `; ${detail}`}`;
}

/** Returns `45s`, or `3m20s` from two minutes on. */
export function wholeSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole}s`;
  const rest = whole % 60;
  return `${Math.floor(whole / 60)}m${rest === 0 ? '' : `${rest}s`}`;
}
