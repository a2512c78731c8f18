/**
 * What irqbalance says of itself. With `-d` it prints all CPUs with their interrupts each time that it looks, which ones it
 * wants to move, and what the kernel did not let it do (its cputree.c, placement.c and activate.c).
 */
import { eventsOf, type History, type Window } from '../core/history.ts';

export interface BalancerLog {
  /** `w1/irqbalance.log` */
  file: string;
  /** How often it looked in that window; undefined where there is no such log. */
  looks: number | undefined;
  /** How often it wanted to move an interrupt, in all of the log. */
  selected: number;
  /** Interrupts that it could not move, by the kernel's reason, in all of the log. */
  refused: ReadonlyMap<string, number>;
}

/** Journal lines begin with the node's wall clock: `2026-11-29T02:46:45.118203+0000 w1 irqbalance[161]: …`. */
const STAMP = /^(\S+) /;
const LOOKED = /\]: Package 0:/;
const SELECTED = /Selecting irq \d+ for rebalancing/g;
/** Said on stdout and in syslog: an interrupt counts once. */
const REFUSED = /Cannot change IRQ (\d+) affinity: (.+)/g;

export function readBalancerLog(
  history: History,
  { node, unit }: { node: string; unit: string },
  window: Window,
): BalancerLog {
  const file = `${node}/${unit}.log`;
  const text = history.logs.get(file);
  if (text === undefined) return { file, looks: undefined, selected: 0, refused: new Map() };
  const zeroMs = Date.parse(
    eventsOf(history, 'run').find(({ state }) => state === 'started')?.detail ?? '',
  );
  const looks = text.split('\n').filter((line) => {
    if (!LOOKED.test(line)) return false;
    const atMs = Date.parse(STAMP.exec(line)?.[1] ?? '') - zeroMs;
    return atMs >= window.fromMs && atMs <= window.toMs;
  });
  const selected = text.match(SELECTED)?.length ?? 0;
  return { file, looks: looks.length, selected, refused: countRefused(text) };
}

function countRefused(text: string): Map<string, number> {
  const byReason = new Map<string, Set<string>>();
  for (const [, irq = '', reason = ''] of text.matchAll(REFUSED))
    byReason.set(reason, (byReason.get(reason) ?? new Set()).add(irq));
  return new Map([...byReason].map(([reason, irqs]) => [reason, irqs.size]));
}

/** Returns what is missing for a proof that it ran. */
export function tooQuiet({ file, looks }: BalancerLog, looksMin: number): string | undefined {
  if (looks === undefined) return `there is no logs/${file}: nothing shows that the balancer ran`;
  if (looks >= looksMin) return undefined;
  return `by logs/${file} the balancer looked ${looks} times under load (minimum ${looksMin}): nothing shows that it ran`;
}

/** One sentence for each reason. */
export function refusedIn(node: string, log: BalancerLog | undefined): string[] {
  return [...(log?.refused ?? [])].map(
    ([reason, irqs]) => `${node}: the balancer could not move ${irqs} interrupts: ${reason}`,
  );
}

export function balancerEvidence(logs: readonly BalancerLog[]): Record<string, number> {
  if (logs.length === 0) return {};
  return {
    looksOfBalancer: Math.min(...logs.map(({ looks = 0 }) => looks)),
    selectedByBalancer: logs.reduce((sum, { selected }) => sum + selected, 0),
  };
}
