/**
 * Long-lived TCP connections, each with a small numbered message a second that must come back. A flow that breaks is
 * counted once, with its reason, and stays dead; what is opened in its place is another flow and is shown as such.
 */
import { waitFor } from '../../../core/deadline.ts';
import { afterPoll } from '../after-poll.ts';
import type { Tally } from '../tally.ts';
import type { Work } from '../work.ts';
import { openFlow, type Flow } from './flow.ts';

export interface HoldOptions {
  host: string;
  port: number;
  count: number;
  everyMs: number;
  /** A flow without its echo for so long is dead. */
  timeoutMs: number;
  /** Open a new flow in place of a dead one. */
  reopen: boolean;
}

const TICK_MS = 50;

/** A class for its state: which flows live. */
export class HeldConnections implements Work {
  readonly #options: HoldOptions;
  readonly #flows = new Set<Flow>();
  #tally: Tally | undefined;
  #isSending = false;
  #dead = 0;
  #reopened = 0;
  #echoes = 0;
  #opened = 0;
  #nextOpenMs = 0;
  #isOpening = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HoldOptions) {
    this.#options = options;
  }

  /** Opens all flows; tries again while the Service or its rules are still on their way. */
  async warmUp(withinMs: number): Promise<string> {
    const { host, port, count } = this.#options;
    const what = `${count} connections to ${host}:${port}`;
    await waitFor({ what, timeoutMs: withinMs }, async () => {
      while (this.#flows.size < count) await this.#open();
      return true;
    });
    return `${count} flows to ${host}:${port}`;
  }

  start(tally: Tally): void {
    this.#tally = tally;
    this.#isSending = true;
    // Spread over the period, so that the flows do not speak in one burst.
    [...this.#flows].forEach((flow, index) => {
      if (flow.broken !== undefined) return;
      flow.nextMs = performance.now() + (index * this.#options.everyMs) / this.#flows.size;
    });
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
  }

  stopSending(): void {
    this.#isSending = false;
  }

  isDrained(): boolean {
    return this.unfinished() === 0;
  }

  unfinished(): number {
    return [...this.#flows].filter((flow) => flow.waitingSinceMs !== undefined).length;
  }

  flows(): { alive: number; dead: number; reopened: number } {
    return { alive: this.#flows.size, dead: this.#dead, reopened: this.#reopened };
  }

  close(): void {
    clearInterval(this.#timer);
    for (const flow of this.#flows) flow.destroy();
  }

  async #open(): Promise<void> {
    this.#opened += 1;
    const flow = await openFlow({
      ...this.#options,
      id: this.#opened,
      onEcho: (tookMs) => {
        this.#echoes += 1;
        this.#tally?.ok(tookMs);
      },
    });
    this.#flows.add(flow);
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const flow of this.#flows) {
      if (flow.broken !== undefined) this.#bury(flow, flow.broken);
      else if (this.#isLate(flow)) this.#judgeLate(flow);
      else if (this.#isSending && flow.waitingSinceMs === undefined && nowMs >= flow.nextMs) {
        flow.send();
        flow.nextMs = nowMs + this.#options.everyMs;
      }
    }
    if (this.#isSending && this.#options.reopen) this.#reopen(nowMs);
  }

  #isLate(flow: Flow): boolean {
    const { waitingSinceMs } = flow;
    return (
      waitingSinceMs !== undefined && performance.now() - waitingSinceMs >= this.#options.timeoutMs
    );
  }

  #judgeLate(flow: Flow): void {
    afterPoll(
      () => this.#echoes,
      () => {
        const { waitingSinceMs } = flow;
        if (waitingSinceMs === undefined || !this.#flows.has(flow) || !this.#isLate(flow)) return;
        this.#remove(flow);
        this.#tally?.timeout(performance.now() - waitingSinceMs);
      },
    );
  }

  #bury(flow: Flow, reason: string): void {
    this.#remove(flow);
    this.#tally?.error(reason);
  }

  #remove(flow: Flow): void {
    this.#flows.delete(flow);
    this.#dead += 1;
    flow.destroy();
  }

  /** One attempt a period; an attempt that fails is no broken flow and is not counted. */
  #reopen(nowMs: number): void {
    if (this.#isOpening || this.#flows.size >= this.#options.count || nowMs < this.#nextOpenMs)
      return;
    this.#isOpening = true;
    this.#nextOpenMs = nowMs + this.#options.everyMs;
    this.#open().then(
      () => {
        this.#isOpening = false;
        this.#reopened += 1;
      },
      () => {
        this.#isOpening = false;
      },
    );
  }
}
