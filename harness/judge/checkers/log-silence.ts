/**
 * Something that a component must not say again and again: how often each of its subjects may be named. A line that comes
 * once can be chance; seed 003 was one that came each minute, for ever, for the same real server.
 */
import { z } from 'zod';
import type { History } from '../../core/history.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

/** What can make a backtracking engine wait for ever is refused: RE2, in which people try such patterns, has neither. */
const NOT_IN_RE2 = /\\[1-9]|\\k<|\(\?(?:=|!|<=|<!)/;

const pattern = z.string().min(1).refine(isPattern, {
  error: 'not a regular expression, or one with a look-around or a back reference',
});

const params = z.strictObject({
  log: z
    .string()
    .min(1)
    .default('kube-proxy')
    .describe('whose log: a folder of logs/ with a file for each node, or the unit of each node'),
  pattern: pattern.describe('what must not be said; its first group, if any, is the subject'),
  max: z.int().min(0).default(0).describe('how often for one subject'),
  proof: pattern
    .optional()
    .describe('a line without which the log shows that the code in question never ran'),
});

/** Where a collector says that it left out the rest. */
const CUT = 'coalmine: the log was cut here';
/** Beyond it a line is data, not a message. */
const LINE_MAX = 2_000;

export const logSilence: Checker<z.infer<typeof params>> = {
  name: 'log-silence',
  params,
  check: (history, { log, pattern: text, max, proof }) => {
    const logs = logsOf(history, log);
    const wanted = new RegExp(text);
    const proving = proof === undefined ? undefined : new RegExp(proof);
    const said = new Map<string, { count: number; last: string }>();
    let [lines, proofs] = [0, 0];
    for (const [file, content] of logs) {
      for (const line of content.split('\n').map((one) => one.slice(0, LINE_MAX))) {
        if (line.trim() === '') continue;
        lines += 1;
        if (proving?.test(line) === true) proofs += 1;
        const match = wanted.exec(line);
        if (match === null) continue;
        const subject = `${file}: ${match[1] ?? match[0]}`;
        said.set(subject, { count: (said.get(subject)?.count ?? 0) + 1, last: line });
      }
    }
    const repeated = [...said].filter(([, { count }]) => count > max);
    repeated.sort(([, a], [, b]) => b.count - a.count);
    return conclude('log-silence', {
      failures: repeated.map(
        ([subject, { count }]) =>
          `${subject} was named ${count} times (limit ${max}) by lines like /${text}/`,
      ),
      gaps: [
        ...gaps(history, log, logs),
        ...(proving !== undefined && proofs === 0
          ? [
              `no line of the ${log} logs matches /${proving.source}/: nothing shows that it came to that`,
            ]
          : []),
      ],
      notes: [...said.values()].map(({ last }) => last.slice(0, 300)),
      evidence: {
        files: logs.length,
        lines,
        subjects: said.size,
        mostForOne: Math.max(0, ...[...said.values()].map(({ count }) => count)),
        max,
        ...(proving === undefined ? {} : { proofs }),
      },
      pass: `${said.size} subjects were named by lines like /${text}/, none more than ${max} times, in ${lines} lines`,
    });
  },
};

/** `kube-proxy/w1.log`, or where there is no such folder `w1/kubelet.log`. */
function logsOf({ logs }: History, log: string): (readonly [string, string])[] {
  const all = [...logs];
  const folder = all.filter(([file]) => file.startsWith(`${log}/`));
  return folder.length > 0 ? folder : all.filter(([file]) => file.endsWith(`/${log}.log`));
}

function gaps(
  { plan }: History,
  log: string,
  logs: readonly (readonly [string, string])[],
): string[] {
  return [
    ...(logs.length < plan.nodes
      ? [`there are ${log} logs of ${logs.length} files for ${plan.nodes} nodes`]
      : []),
    ...logs.filter(([, content]) => content.trim() === '').map(([file]) => `logs/${file} is empty`),
    ...logs
      .filter(([, content]) => content.includes(CUT))
      .map(([file]) => `logs/${file} was too long and lacks its end`),
  ];
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return !NOT_IN_RE2.test(text);
  } catch {
    return false;
  }
}
