/** What the queueing disciplines of each device dropped and hold: `tc -s -j qdisc`. */
import { z } from 'zod';
import type { Probe } from './probe.ts';

export const qdisc: Probe = {
  name: 'qdisc',
  scope: 'node',
  source: { command: { argv: ['tc', '-s', '-j', 'qdisc'] }, timeoutMs: 5_000 },
  everyMsMin: 1_000,
  parse: ({ stdout }) => parseQdiscs(stdout ?? ''),
};

const FIELDS = ['bytes', 'packets', 'drops', 'overlimits', 'requeues', 'backlog', 'qlen'] as const;
const count = z.number().optional().catch(undefined);

const qdiscSchema = z.object({
  dev: z.string(),
  kind: z.string(),
  /** Absent for the root. */
  parent: z.string().optional(),
  ...(Object.fromEntries(FIELDS.map((field) => [field, count])) as Record<
    (typeof FIELDS)[number],
    typeof count
  >),
});

/** Returns `eth0.fq_codel@root.drops`: a discipline that is replaced by another kind begins anew under another name. */
export function parseQdiscs(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  for (const entry of readArray(text)) {
    const parsed = qdiscSchema.safeParse(entry);
    // noqueue counts nothing.
    if (!parsed.success || parsed.data.kind === 'noqueue') continue;
    const { dev, kind, parent = 'root' } = parsed.data;
    for (const field of FIELDS) {
      const value = parsed.data[field];
      if (value !== undefined) values[`${dev}.${kind}@${parent}.${field}`] = value;
    }
  }
  return values;
}

function readArray(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
