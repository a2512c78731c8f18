/** What kube-proxy complains of in its own log: errors, and the lines that past incidents are known by. */
import { z } from 'zod';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({
  max: z.int().min(0).default(0).describe('bad lines that are allowed'),
  patterns: z
    .array(z.string().min(1).refine(isPattern, { error: 'not a regular expression' }))
    .default([])
    .describe('further bad lines, as regular expressions, whatever their severity'),
});

/** Not inline: the scenario's author must hear of it before the run, not after it. */
function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

const FOLDER = 'kube-proxy/';

/** Where the collector says that it left out the rest. */
const CUT = 'coalmine: the log was cut here';

/** The time that the collector keeps of a container runtime's prefix, or all of it: `2026-11-22T12:35:07.1Z stderr F `. */
const PREFIX = /^\d{4}-\d\d-\d\dT\S+ (?:std(?:out|err) [FP] )?/;

/** klog's header: `E1122 12:35:07.000333 ...`. */
const BAD_SEVERITY = /^[EF]\d{4} \d\d:\d\d:\d\d\.\d+ /;

/** Bad whatever their severity; the reference is the incident. */
const KNOWN_BAD: readonly RegExp[] = [
  /can't find the real server/, // kubernetes#71071, seed 003
  /Try flush graceful termination list err/, // kubernetes#71071
  /Failed to list IPVS destinations/,
  /Failed to add IPVS service .* file exists/, // kubernetes#71071
  /Failed to execute iptables-restore/,
  /[Nn]ftables sync failed/, // kubernetes#137501
  /conntrack.*(?:permission denied|read-only file system)/i, // kubernetes#141943
  /^panic: /,
];

/** Errors by severity that say nothing about the node's network. Each line is a decision; keep the reason with it. */
const BENIGN: readonly RegExp[] = [
  // Advice about the default of a flag, printed at every start since 1.31.
  /Kube-proxy configuration may be incomplete or incorrect/,
  // The API server was away or frozen. What that does to the rules is rule-freshness's to judge.
  /reflector\.go:\d+\].*Failed to watch/,
  /"Unhandled Error".*reflector\.go.*Failed to watch/,
  // kube-proxy came up before its node was registered, and asks again.
  /"Failed to retrieve node info"/,
  // Whoever asks for its metrics (we do, for its version) before it first wrote its rules, asks for counters of theirs.
  /"failed to collect nfacct counter" err="object not found"/,
  // Each start takes away what another mode may have left; 1.13 complains of each chain that this iptables does not have.
  /Error removing (?:pure-iptables proxy|userspace) rule: .*Chain '[\w-]+' does not exist/,
];

export const kubeProxyLog: Checker<z.infer<typeof params>> = {
  name: 'kube-proxy-log',
  params,
  check: (history, { max, patterns }) => {
    const wanted = patterns.map((pattern) => new RegExp(pattern));
    const logs = [...history.logs].filter(([file]) => file.startsWith(FOLDER));
    const bad: string[] = [];
    let lines = 0;
    let benign = 0;
    for (const [file, text] of logs) {
      for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
        lines += 1;
        const verdict = judgeLine(line, wanted);
        if (verdict === 'bad') bad.push(`${file.slice(FOLDER.length)}: ${line.slice(0, 300)}`);
        if (verdict === 'benign') benign += 1;
      }
    }
    const { nodes } = history.plan;
    const empty = logs.filter(([, text]) => text.trim() === '').map(([file]) => file);
    return conclude('kube-proxy-log', {
      failures: bad.length > max ? bad : [],
      gaps: [
        ...(logs.length < nodes
          ? [`there are kube-proxy logs of ${logs.length} files for ${nodes} nodes`]
          : []),
        ...empty.map((file) => `logs/${file} is empty: kube-proxy says something at every start`),
        ...logs
          .filter(([, text]) => text.includes(CUT))
          .map(([file]) => `logs/${file} was too long and lacks its end`),
      ],
      notes: bad,
      evidence: { files: logs.length, lines, bad: bad.length, benign, max },
      pass: `${bad.length} bad lines of ${lines} in the kube-proxy logs (limit ${max})`,
    });
  },
};

function judgeLine(line: string, wanted: readonly RegExp[]): 'bad' | 'benign' | 'fine' {
  const said = line.replace(PREFIX, '');
  if (KNOWN_BAD.some((pattern) => pattern.test(said))) return 'bad';
  // A scenario's own patterns see the line as it is stored.
  if (wanted.some((pattern) => pattern.test(line))) return 'bad';
  if (!BAD_SEVERITY.test(said)) return 'fine';
  return BENIGN.some((pattern) => pattern.test(line)) ? 'benign' : 'bad';
}
