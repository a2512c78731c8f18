/** Whatever a churn does to the endpoints of a Service, in the end they are as before: also when it failed or was stopped. */
import { within } from '../../core/deadline.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import type { ChurnContext } from './churn.ts';
import { readEndpoints, writeEndpoints, type SliceEndpoint } from './endpoint-slice.ts';

const PUT_BACK_MS = 15_000;

/** Throws `undo` where the endpoints could not be put back. The way back does not listen to the run's signal. */
export async function putBackAfter<T>(
  service: string,
  context: ChurnContext,
  change: (original: readonly SliceEndpoint[]) => Promise<T>,
): Promise<T> {
  const original = await readEndpoints(service, context);
  try {
    return await change(original);
  } finally {
    await within(`endpoints of ${service} to be put back`, PUT_BACK_MS, putBack()).catch(
      (error: unknown) => {
        throw new CoalmineError('undo', messageOf(error), { cause: error });
      },
    );
  }

  async function putBack(): Promise<void> {
    const now = await readEndpoints(service, context);
    if (JSON.stringify(now) !== JSON.stringify(original)) {
      await writeEndpoints(service, original, context);
    }
  }
}
