/** Where and how a run was started: facts for the person who wants to repeat it. They never decide a verdict. */
import { z } from 'zod';

export const environmentSchema = z.strictObject({
  version: z.literal(1),
  /** Wall-clock time of tMs = 0, ISO 8601. */
  startedAt: z.string(),
  argv: z.array(z.string()),
  coalmine: z.strictObject({
    version: z.string(),
    /** The commit of the checkout that ran; null for an installed package. */
    commit: z.string().nullable(),
  }),
  host: z.strictObject({
    kernel: z.string(),
    arch: z.string(),
    cpus: z.number().int(),
    memoryMiB: z.number().int(),
    node: z.string(),
  }),
});
export type Environment = z.infer<typeof environmentSchema>;
