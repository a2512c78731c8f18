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

/** klog's header, behind the prefix that a container runtime may put before it: `E1122 12:35:07.000333 ...`. */
const BAD_SEVERITY = /^(?:\S+ std(?:out|err) [FP] )?[EF]\d{4} \d\d:\d\d:\d\d\.\d+ /;

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
      ],
      notes: bad,
      evidence: { files: logs.length, lines, bad: bad.length, benign, max },
      pass: `${bad.length} bad lines of ${lines} in the kube-proxy logs (limit ${max})`,
    });
  },
};

function judgeLine(line: string, wanted: readonly RegExp[]): 'bad' | 'benign' | 'fine' {
  if ([...KNOWN_BAD, ...wanted].some((pattern) => pattern.test(line))) return 'bad';
  if (!BAD_SEVERITY.test(line)) return 'fine';
  return BENIGN.some((pattern) => pattern.test(line)) ? 'benign' : 'bad';
}
