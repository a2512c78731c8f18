/**
 * Undo is data, so that another process can carry it out: the agent by lease, `coalmine clean` after a SIGKILL.
 * A record is idempotent, is verified by reading the state back, and removes only what its fault added.
 */
import { z } from 'zod';

export const commandSchema = z.strictObject({
  argv: z.tuple([z.string()], z.string()).readonly(),
  env: z.record(z.string(), z.string()).exactOptional(),
  stdin: z.string().exactOptional(),
});

export const undoRecordSchema = z.strictObject({
  /** Unique in a run: `f1`, `f2`, … in order of arming. */
  id: z.string(),
  fault: z.string(),
  /** `controller`, or the name of the node on which the steps run. */
  where: z.string(),
  /** Each is tried, in order, whatever the others did; the steps' own exit codes do not decide, `verify` does. */
  undo: z.array(commandSchema),
  /** Files to put back, with the old content. */
  restore: z.array(z.strictObject({ path: z.string(), content: z.string() })),
  /** Proof that it is gone: the command must exit with `exitCode` and, if given, print exactly `stdout` (trimmed). */
  verify: z.strictObject({
    command: commandSchema,
    exitCode: z.number().int(),
    stdout: z.string().exactOptional(),
  }),
  timeoutMs: z.number().int().positive(),
});
export type UndoRecord = z.infer<typeof undoRecordSchema>;
