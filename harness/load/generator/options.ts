/** Reads the generator's command line; every number carries its unit in the option's name. */
import { parseArgs } from 'node:util';

export interface Arguments {
  text(name: string): string | undefined;
  /** Returns `fallback` where the option is absent; without one, the option must be there. */
  number(name: string, fallback?: number): number;
  optionalNumber(name: string): number | undefined;
  list(name: string): readonly [string, ...string[]];
  oneOf<const T extends string>(name: string, words: readonly [T, ...T[]]): T;
}

export class UsageError extends Error {}

/** Refuses what is not in `names`; every option takes a value. */
export function readArguments(argv: readonly string[], names: readonly string[]): Arguments {
  const { values } = parse(argv, names);
  const text = (name: string): string | undefined => values[name];
  const optionalNumber = (name: string): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (value === '' || !Number.isFinite(number) || number < 0)
      throw new UsageError(`--${name} must be a number that is not negative, not '${value}'`);
    return number;
  };
  return {
    text,
    optionalNumber,
    number(name, fallback) {
      const value = optionalNumber(name) ?? fallback;
      if (value === undefined) throw new UsageError(`--${name} is missing`);
      return value;
    },
    list(name) {
      const [first, ...rest] = (text(name) ?? '').split(',').filter((each) => each !== '');
      if (first === undefined) throw new UsageError(`--${name} is missing`);
      return [first, ...rest];
    },
    oneOf(name, words) {
      const value = text(name) ?? words[0];
      const word = words.find((each) => each === value);
      if (word === undefined)
        throw new UsageError(`--${name} must be one of ${words.join(', ')}, not '${value}'`);
      return word;
    },
  };
}

function parse(
  argv: readonly string[],
  names: readonly string[],
): { values: Partial<Record<string, string>> } {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
