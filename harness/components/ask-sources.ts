/** Asks one source after the other for a component; where none can, the error says what each of them said. */
import { rm } from 'node:fs/promises';
import { CoalmineError } from '../core/errors.ts';
import type { ComponentRef } from './component.ts';
import { makeExecutable, type Origin } from './place.ts';
import type { Source, SourceContext } from './sources/source.ts';

const LAST_WAY_OUT =
  'check the version, and allow more sources (`coalmine setup` without --offline)';

interface Question {
  sources: readonly Source[];
  /** What is known before the first is asked: `cache: not there`. */
  known: readonly string[];
  ref: ComponentRef;
  context: SourceContext;
}

/** Puts the component at `file` from the first source that can give it. */
export async function askSources(question: Question, file: string): Promise<Origin> {
  const { ref, context } = question;
  return firstOf(question, async (source) => {
    try {
      const provenance = await source.fetch(ref, file, context);
      await makeExecutable(file);
      return { source: source.name, ...provenance };
    } catch (error) {
      await rm(file, { recursive: true, force: true });
      throw error;
    }
  });
}

/** Throws, within seconds and with the same words, where no source can ever give the component. */
export async function demandOffered(question: Question): Promise<void> {
  await firstOf(question, (source) =>
    source.offers === undefined ? Promise.resolve() : source.offers(question.ref, question.context),
  );
}

async function firstOf<T>(
  { sources, known, ref, context }: Question,
  ask: (source: Source) => Promise<T>,
): Promise<T> {
  const reasons = [...known];
  const waysOut: string[] = [];
  for (const source of sources) {
    try {
      return await ask(source);
    } catch (error) {
      context.signal.throwIfAborted();
      const reason = reasonOf(error);
      if (reason === undefined) throw error;
      reasons.push(`${source.name}: ${reason}`);
      if (error instanceof CoalmineError && error.wayOut !== undefined) waysOut.push(error.wayOut);
    }
  }
  throw new CoalmineError(
    'component',
    `${ref.component} ${ref.version} cannot be had: ${reasons.join('; ')}`,
    { wayOut: waysOut.length > 0 ? [...new Set(waysOut)].join('; ') : LAST_WAY_OUT },
  );
}

/** Only trouble with the world lets the next source have a try; a fault in our own code must not be papered over. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof CoalmineError) return error.message;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return error.message;
  return undefined;
}
