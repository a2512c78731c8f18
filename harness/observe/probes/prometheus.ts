/** Lines of the Prometheus text format, as the components of Kubernetes print it. */
export interface Metric {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Returns the metrics whose names begin with one of `prefixes`; other lines, and those that make no sense, are passed over. */
export function parseMetrics(text: string, prefixes: readonly string[]): Metric[] {
  const metrics: Metric[] = [];
  for (const line of text.split('\n')) {
    if (!prefixes.some((prefix) => line.startsWith(prefix))) continue;
    const [, name, labels = '', number = ''] = LINE.exec(line) ?? [];
    const value = Number(number);
    if (name === undefined || number === '' || !Number.isFinite(value)) continue;
    const pairs = [...labels.matchAll(LABEL)].map(([, key = '', text = '']) => [key, text]);
    metrics.push({ name, labels: Object.fromEntries(pairs) as Record<string, string>, value });
  }
  return metrics;
}
