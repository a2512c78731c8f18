/**
 * What a provider's clusters stand on: an engine, or machines. A ground knows what must be there before a run, and where
 * the run's cells are carried out: here, or by this program started again inside namespaces of the run's own.
 */
import type { Store } from '../components/store.ts';
import type { Plan } from '../core/plan.ts';
import type { MatrixResult, RunResult } from '../core/result.ts';
import type { KindSettings } from '../providers/kind/settings.ts';
import type { Known } from './plan-known.ts';
import type { Planned } from './plan.ts';

interface Interruption {
  readonly signal: AbortSignal;
  readonly impatient: AbortSignal;
  caught(): 'SIGINT' | 'SIGTERM' | undefined;
  hush(): void;
  subscribe(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
}

export interface RunRequest {
  scenario: string;
  set: readonly string[];
  provider?: Plan['provider'];
  known?: Known;
  reportsDir: string;
  keep: 'never' | 'on-failure' | 'always';
  offline: boolean;
  /** Made here, or published by upstream and pulled, perhaps from a mirror. */
  images: KindSettings;
  interruption: Interruption;
  say: (line: string) => void;
  /** Whether stderr is a terminal on which lines may be redrawn. */
  terminal: boolean;
}

export interface RunOutcome {
  exitCode: number;
  /** Absent where the inner process has said everything already. */
  document?: RunResult | MatrixResult;
  text: string;
}

/** One run: what was asked, what it means, and where its artifacts come from. */
export interface GroundRun {
  readonly request: RunRequest;
  readonly planned: Planned;
  readonly store: Store;
  readonly runId: string;
}

export interface Ground {
  /** In the process that the user started, where there still is a network: asks, makes what is missing, runs. */
  runOutside(run: GroundRun): Promise<RunOutcome>;
  /** In the inner process, inside the run's namespaces. */
  runInside(run: GroundRun): Promise<RunOutcome>;
}
