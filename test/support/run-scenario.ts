/** A whole run through the real CLI, as a person starts it, and what it left in its run directory. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { EventOf, HistoryEvent } from '../../harness/core/history.ts';
import type { JudgedFinding, RunResult } from '../../harness/core/result.ts';
import { local } from '../../harness/exec/local.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** A cold cache builds Kubernetes first. */
export const RUN_MS = 40 * 60_000;

export interface Ran {
  exitCode: number | null;
  stderr: string;
  result: RunResult;
  events: HistoryEvent[];
}

/** @param more options of the command, for example `--set kube-proxy=1.34.3` as two words */
export async function runScenarioCli(
  scenario: string,
  reports: string,
  more: readonly string[] = [],
): Promise<Ran> {
  const program = [process.execPath, '--import', 'tsx', 'harness/cli/main.ts'];
  const words = ['run', scenario, '--json', '--reports', reports, ...more];
  const { exitCode, stdout, stderr } = await local.run(
    { argv: ['env', `--chdir=${ROOT}`, ...program, ...words] },
    { timeoutMs: RUN_MS },
  );
  process.stderr.write(stderr.replaceAll(/^/gm, '        '));
  assert.ok(stdout.startsWith('{'), `no verdict on stdout, exit code ${exitCode}:\n${stderr}`);
  const result = JSON.parse(stdout) as RunResult;
  const folder = path.join(reports, `${result.scenario}-${result.runId}`);
  const lines = readFileSync(path.join(folder, 'events.ndjson'), 'utf8').trim().split('\n');
  return {
    exitCode,
    stderr,
    result,
    events: lines.map((line) => JSON.parse(line) as HistoryEvent),
  };
}

export function findingOf({ result }: Ran, checker: string): JudgedFinding {
  const found = result.findings.find((one) => one.checker === checker);
  assert.ok(found, `no finding of ${checker}`);
  return found;
}

/** What did not pass, as a person reads it: a log's last lines are all that is seen of some failures. */
export function unpassed({ result }: Ran): string {
  const found = result.findings.filter(({ verdict }) => verdict !== 'pass');
  return found
    .flatMap(({ checker, verdict, summary, details }) => [
      `${checker} ${verdict}: ${summary}`,
      ...details.slice(0, 3).map((detail) => `  ${detail}`),
    ])
    .join('\n');
}

export function eventsOfRun<K extends HistoryEvent['kind']>(
  { events }: Ran,
  kind: K,
): EventOf<K>[] {
  return events.filter((event): event is EventOf<K> => event.kind === kind);
}
