/** `--set a.b=c`: changes one value of a scenario before it is checked, so that the same rules hold for it. */
import { CoalmineError } from '../core/errors.ts';

export interface Override {
  /** As typed, for messages. */
  readonly text: string;
  readonly path: readonly string[];
  readonly value: string | number | boolean;
}

/** What a person may set by its plain name: `--set kube-proxy=1.34.4` means `components.kube-proxy`. */
const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  kubernetes: ['components', 'kubernetes'],
  kubelet: ['components', 'kubelet'],
  'canary-kubelet': ['components', 'canary-kubelet'],
  'kube-proxy': ['components', 'kube-proxy'],
  iptables: ['components', 'iptables'],
  kernel: ['components', 'kernel'],
  irqbalance: ['components', 'irqbalance'],
};

/** Throws `usage` where the text is not PATH=VALUE. */
export function parseOverride(text: string): Override {
  const cut = text.indexOf('=');
  const name = text.slice(0, Math.max(cut, 0));
  if (cut < 1 || !/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(name)) {
    throw new CoalmineError(
      'usage',
      `--set ${text}: expected PATH=VALUE, for example --set kube-proxy=1.34.4 or --set phases.0.for=30s`,
    );
  }
  return { text, path: SHORT_NAMES[name] ?? name.split('.'), value: scalar(text.slice(cut + 1)) };
}

/** Whole numbers and booleans as YAML reads them; everything else, versions and durations too, is text. */
function scalar(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

/** Returns a changed copy. A component under a matrix axis of the same name is pinned: the axis goes. */
export function applyOverrides(
  written: Readonly<Record<string, unknown>>,
  overrides: readonly Override[],
): Record<string, unknown> {
  const copy = structuredClone(written) as Record<string, unknown>;
  for (const override of overrides) {
    setIn(copy, override);
    const matrix = copy['matrix'];
    const axis = override.path.at(-1);
    const pins = override.path[0] === 'components' || override.path.length === 1;
    if (pins && axis !== undefined && isRecord(matrix)) Reflect.deleteProperty(matrix, axis);
  }
  return copy;
}

function setIn(root: Record<string, unknown>, override: Override): void {
  let current: Record<string, unknown> = root;
  for (const step of override.path.slice(0, -1)) {
    demandEntry(current, step, override);
    const next = current[step];
    if (next === undefined) current[step] = {};
    else if (typeof next !== 'object' || next === null) {
      throw new CoalmineError('usage', `--set ${override.text}: ${step} is not a mapping`);
    }
    current = current[step] as Record<string, unknown>;
  }
  const last = override.path.at(-1);
  if (last === undefined) return;
  demandEntry(current, last, override);
  current[last] = override.value;
}

/** A list takes any property and shows it to nobody: the override would be lost without a word. */
function demandEntry(current: unknown, step: string, { text }: Override): void {
  if (!Array.isArray(current) || (/^\d+$/.test(step) && Number(step) < current.length)) return;
  throw new CoalmineError(
    'usage',
    `--set ${text}: ${step} is no entry of this list; it has ${current.length}, counted from 0`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
