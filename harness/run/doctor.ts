/** `coalmine doctor`: what this machine can do, and what earlier runs left on it. Asks, and changes nothing. */
import { defaultCacheDir } from '../components/cache-folder.ts';
import type { Plan } from '../core/plan.ts';
import { findLeftovers } from '../providers/clean.ts';
import { askAll, type Answer } from './doctor-questions.ts';

export interface Exam {
  usableProviders: Plan['provider'][];
  answers: Answer[];
  /** Things of dead runs, which `coalmine clean` removes. */
  leftovers: string[];
}

export async function examine(): Promise<Exam> {
  const cacheDir = defaultCacheDir(process.env);
  const answers = await askAll(cacheDir);
  const leftovers = await findLeftovers(cacheDir);
  return {
    usableProviders: usableProviders(answers),
    answers,
    leftovers: leftovers.map(({ kind, name }) => `${kind} ${name}`),
  };
}

/** A provider is usable where nothing that it cannot do without was answered with no. Pure. */
export function usableProviders(answers: readonly Answer[]): Plan['provider'][] {
  const lacks = answers.filter(({ state }) => state === 'no').flatMap((one) => one.for);
  return (['kind', 'vm'] as const).filter((provider) => !lacks.includes(provider));
}

export function describeExam({ answers, leftovers, usableProviders }: Exam): string {
  const needOf = (one: Answer): string => one.for.join(', ') || '-';
  const widthOf = (words: readonly string[]): number =>
    Math.max(...words.map(({ length }) => length));
  const [title, need] = ['question', 'needed by'] as const;
  const width = widthOf([title, ...answers.map(({ question }) => question)]);
  const needWidth = widthOf([need, ...answers.map(needOf)]);
  const rows = answers.map((one) =>
    [one.question.padEnd(width), one.state.padEnd(4), needOf(one).padEnd(needWidth), one.detail]
      .join('  ')
      .trimEnd(),
  );
  const head = [title.padEnd(width), '    ', need].join('  ');
  const left =
    leftovers.length === 0
      ? ['nothing is left of earlier runs']
      : [
          'left of dead runs (`coalmine clean` removes it):',
          ...leftovers.map((line) => `  ${line}`),
        ];
  const usable =
    usableProviders.length === 0
      ? 'no provider is usable'
      : `usable: ${usableProviders.join(', ')}`;
  return `${[head, ...rows, ...left, usable].join('\n')}\n`;
}
