/**
 * A stack of teardowns. Each is pushed before its setup is awaited, so that a half-done setup is torn down too; they run
 * last in first out, and a failure in one never stops the others.
 */
export class Unwind {
  readonly #steps: { title: string; teardown: () => Promise<void> | void }[] = [];

  push(title: string, teardown: () => Promise<void> | void): void {
    this.#steps.push({ title, teardown });
  }

  /** Runs and removes every teardown; returns what failed, by title. Idempotent: a second call finds nothing to do. */
  async run(): Promise<{ title: string; error: unknown }[]> {
    const failures: { title: string; error: unknown }[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.teardown();
      } catch (error) {
        failures.push({ title: step.title, error });
      }
    }
    return failures;
  }
}
