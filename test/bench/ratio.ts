/** What a bench measures: one number against a goal of its own, so that a machine's speed cancels out. */
export interface Ratio {
  name: string;
  value: number;
  /** Absent where nothing is promised, and the number is only good to know. */
  goal?: { atMost: number } | { atLeast: number };
  /** What the number means, and what it leaves out. */
  unit: string;
}

/** Undefined where there is no goal. */
export function isMet({ value, goal }: Ratio): boolean | undefined {
  if (goal === undefined) return undefined;
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
}

export function describeRatio(ratio: Ratio): string {
  const { name, value, goal, unit } = ratio;
  const ok = isMet(ratio);
  const verdict = ok === undefined ? '' : ok ? 'ok' : 'MISSED';
  const columns = [
    name.padEnd(38),
    value.toFixed(4).padStart(8),
    limitOf(goal).padEnd(8),
    verdict.padEnd(6),
    unit,
  ];
  return columns.join('  ');
}

function limitOf(goal: Ratio['goal']): string {
  if (goal === undefined) return '';
  return 'atMost' in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}
