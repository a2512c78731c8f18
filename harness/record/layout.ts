/** The names of the files of a run directory. reports/README.md explains each of them to people. */
export const FILES = {
  plan: 'plan.json',
  environment: 'environment.json',
  events: 'events.ndjson',
  samples: 'samples.ndjson',
} as const;

/** Below `logs/` every file is text that checkers may read; the other folders are for people. */
export const FOLDERS = ['logs', 'before', 'after'] as const;

/** Returns the folder of a run below the reports directory: what it was first, so that a listing groups by scenario. */
export function runFolder(plan: { scenario: string; runId: string }): string {
  return `${plan.scenario}-${plan.runId}`;
}

/** Returns the folder of one matrix cell below `cells/`; a cell's name may hold what a path must not. */
export function cellFolder(cell: string): string {
  const safe = cell.replaceAll(/[^A-Za-z0-9._=,-]+/g, '_').replace(/^\.+/, '');
  return safe === '' ? 'cell' : safe;
}
