/** Durations in scenarios carry their unit: `500ms`, `20s`, `10m`, `72h`. Inside the code they are milliseconds. */
import { z } from 'zod';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** Returns milliseconds, or undefined where `text` is not a number directly followed by ms, s, m or h. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const [, amount = '', unit = 's'] = match;
  return Math.round(Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]);
}

/** Returns the shortest exact text for `ms`, in the same notation that `parseDuration` reads. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return `${Number((ms / 1_000).toFixed(3))}s`;
}

const WANTED = 'a duration with its unit, such as 500ms, 20s, 10m or 72h';

/**
 * A duration as scenarios write it, read as milliseconds. A bare number is refused: nobody knows its unit.
 * Marked pure, so that a bundle that only formats durations leaves zod out.
 */
export const durationSchema = /* @__PURE__ */ (() =>
  z
    .string({
      error: ({ input }) =>
        typeof input === 'number'
          ? `${input} has no unit; write ${WANTED}`
          : `this must be ${WANTED}`,
    })
    .regex(DURATION, { error: ({ input }) => `'${String(input)}' is not ${WANTED}` })
    .transform((text) => parseDuration(text) ?? Number.NaN))();

/** For what cannot last no time at all: what is asked again and again without a pause, or proves nothing. */
export const positiveDurationSchema = /* @__PURE__ */ (() =>
  durationSchema.refine((ms) => ms > 0, { error: 'it must last longer than no time at all' }))();
