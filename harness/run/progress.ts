/**
 * What a person sees while a run goes on. On a terminal one screen's worth of lines is redrawn; in CI each change is a
 * plain line. It never decides anything.
 */
import { styleText } from 'node:util';
import { formatDuration } from '../core/duration.ts';
import type { HistoryEvent } from '../core/history.ts';
import { headline } from './progress-headline.ts';
import { createTally, type Tally } from './progress-tally.ts';

export interface Progress {
  readonly say: (line: string) => void;
  readonly event: (event: HistoryEvent) => void;
  readonly stop: () => void;
}

const REDRAW_MS = 500;
/** In CI, where nobody watches: often enough to see that it lives. */
const PLAIN_EVERY_MS = 10_000;

export interface ProgressOptions {
  /** Whether stderr is a terminal on which lines may be redrawn. */
  terminal: boolean;
  write: (text: string) => void;
  columns: () => number;
  title: string;
}

export function startProgress(options: ProgressOptions): Progress {
  const tally = createTally();
  return options.terminal ? livelyProgress(options, tally) : plainProgress(options, tally);
}

function plainProgress({ write }: ProgressOptions, tally: Tally): Progress {
  let lastMs = 0;
  return {
    say: (line) => {
      write(`${line}\n`);
    },
    event: (event) => {
      tally.event(event);
      const line = headline(event);
      if (line !== undefined) write(`${line}\n`);
      if (tally.phase !== undefined && event.tMs - lastMs >= PLAIN_EVERY_MS) {
        lastMs = event.tMs;
        write(`  ${tally.lines().join(' · ')}\n`);
      }
    },
    stop: () => undefined,
  };
}

function livelyProgress({ write, columns, title }: ProgressOptions, tally: Tally): Progress {
  let drawn = 0;
  const clear = (): void => {
    if (drawn > 0) write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    clear();
    const width = Math.max(20, columns() - 1);
    const status = tally.phase === undefined ? [] : tally.lines();
    const head = `${title}  ${formatDuration(Math.floor(tally.lastMs / 1_000) * 1_000)}`;
    const lines = [
      styleText('bold', head.slice(0, width)),
      ...status.map((line) => `  ${line}`.slice(0, width)),
    ];
    write(`${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, REDRAW_MS);
  const say = (line: string): void => {
    clear();
    write(`${line}\n`);
    draw();
  };
  return {
    say,
    event: (event) => {
      tally.event(event);
      const line = headline(event);
      if (line !== undefined) say(line);
    },
    stop: () => {
      clearInterval(timer);
      clear();
    },
  };
}
