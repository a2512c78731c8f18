/** The undo of what cannot be taken back: a killed pod does not return. Said in the journal, not left out of it. */
import type { PreparedUndo } from './fault.ts';

export function nothingToUndo(timeoutMs: number): PreparedUndo {
  return {
    undo: [],
    restore: [],
    verify: { command: { argv: ['true'] }, exitCode: 0 },
    timeoutMs,
  };
}
