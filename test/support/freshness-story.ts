/** One Service with two endpoints on one node, told step by step to a tracker. */
import type { FreshnessEvent } from '../../harness/observe/freshness/age.ts';
import type { KernelRules } from '../../harness/observe/freshness/rules.ts';
import { createTracker, type Tracker } from '../../harness/observe/freshness/tracker.ts';
import type { WantedFronts } from '../../harness/observe/freshness/wanted.ts';

export const VIP = '10.96.0.9:80/TCP';
export const A = '10.244.1.1:8080';
export const B = '10.244.2.1:8080';

export function fronts(...endpoints: string[]): WantedFronts {
  return new Map([
    [VIP, { port: 'http/TCP', endpoints: new Set(endpoints), either: new Set<string>() }],
  ]);
}

export function rules(...endpoints: string[]): KernelRules {
  return new Map([[VIP, { name: 'default/a:http', endpoints: new Set(endpoints) }]]);
}

export interface Story {
  tracker: Tracker;
  events: FreshnessEvent[];
  want: (tMs: number, ...endpoints: string[]) => void;
  read: (tMs: number, ...endpoints: string[]) => void;
  same: (tMs: number) => void;
  fail: (tMs: number) => void;
}

/** Wanted A and B, and read so, twice. */
export function story(errorMs = 10): Story {
  const events: FreshnessEvent[] = [];
  const tracker = createTracker('n1', (event) => events.push(event));
  const reading = (tMs: number, value: KernelRules | 'same' | undefined): void => {
    tracker.reading({ tMs, errorMs, rules: value });
  };
  const told: Story = {
    tracker,
    events,
    want: (tMs, ...endpoints) => {
      tracker.wanted(tMs, 'default/a', fronts(...endpoints));
    },
    read: (tMs, ...endpoints) => {
      reading(tMs, rules(...endpoints));
    },
    same: (tMs) => {
      reading(tMs, 'same');
    },
    fail: (tMs) => {
      reading(tMs, undefined);
    },
  };
  told.want(0, A, B);
  told.read(200, A, B);
  told.same(400);
  return told;
}
