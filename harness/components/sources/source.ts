/** A place that can give a component's file. */
import type { CacheFolder, Environment } from '../cache-folder.ts';
import type { ComponentRef, SourceName, StoreContext } from '../component.ts';

export interface SourceContext extends StoreContext {
  cache: CacheFolder;
  env: Environment;
  /** What this took before, where it is known; else the recipe's own figure is shown. */
  measuredSeconds: (build: 'cold' | 'warm') => number | undefined;
}

/** Where a file came from, for its manifest. */
export interface Provenance {
  origin: string;
  toolchain: string;
  build: 'cold' | 'warm' | 'none';
}

export interface Source {
  readonly name: Exclude<SourceName, 'cache'> | 'process';
  /** Puts the program at `file`, whole and checked; throws `component` with the reason where it cannot. */
  fetch(ref: ComponentRef, file: string, context: SourceContext): Promise<Provenance>;
  /**
   * Answers within seconds whether that version exists here, before anything long begins; throws `component` where it
   * does not. Absent where only `fetch` can tell.
   */
  readonly offers?: (ref: ComponentRef, context: SourceContext) => Promise<void>;
}

/** Names as Go and the release archives spell them. */
export function goArch(): 'amd64' | 'arm64' {
  return process.arch === 'arm64' ? 'arm64' : 'amd64';
}
