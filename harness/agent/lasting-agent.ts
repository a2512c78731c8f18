/**
 * An agent that outlives the boots of its node. A loss that was announced (`restartBy`) is followed by meeting the agent of
 * the next boot: its clock is learnt afresh, and what was watched is watched again. A loss that nobody announced is for ever:
 * it is a finding, and must not heal by itself.
 */
import type { RunClock } from '../core/clock.ts';
import { waitFor } from '../core/deadline.ts';
import { CoalmineError } from '../core/errors.ts';
import type { Boot, NodeAgent, Restart, WatchOptions, WatchSource } from '../core/node.ts';
import { readBoot } from './boot.ts';
import type { AgentConnection } from './client.ts';

interface AgentLink {
  readonly connection: AgentConnection;
  /** Breaks the stream on this side. */
  readonly kill: () => void;
}

export interface LastingAgentOptions {
  readonly name: string;
  readonly clock: RunClock;
  /** Reaches an agent that has heard nothing yet; `onLost` is told once when its stream breaks afterwards. */
  readonly connect: (onLost: (error: CoalmineError) => void) => Promise<AgentLink>;
  /** Aborts when the node is gone for good. */
  readonly gone?: AbortSignal | undefined;
  readonly onBoot: (boot: Boot) => void;
  readonly onLost: (detail: string) => void;
  readonly onBack: (detail: string) => void;
}

/** One agent process that was met, and the boot that it belongs to. */
interface Met extends AgentLink {
  readonly boot: Boot;
  readonly isLost: () => boolean;
}

interface Watch {
  readonly source: WatchSource;
  readonly options: WatchOptions;
  /** Of the agent of now. */
  handle?: { stop(): Promise<void> };
}

const LOOK_EVERY_MS = 250;

/** Resolves when the agent answers for the first time. */
export async function meetAgent(options: LastingAgentOptions): Promise<LastingAgent> {
  const agent = new LastingAgent(options);
  await agent.meetFirst();
  return agent;
}

export class LastingAgent implements NodeAgent {
  readonly name: string;
  readonly #options: LastingAgentOptions;
  readonly #watches = new Set<Watch>();
  readonly #closed = new AbortController();
  /** The last one that was met; it may be lost. */
  #met: Met | undefined;
  #isHere = false;
  /** Why a loss is expected now. */
  #announced: string | undefined;

  constructor(options: LastingAgentOptions) {
    this.#options = options;
    this.name = options.name;
  }

  async meetFirst(): Promise<void> {
    await this.#adopt(await this.#meet());
  }

  run: NodeAgent['run'] = async (command, limits) => this.#now().run(command, limits);
  start: NodeAgent['start'] = async (command, onLine) => this.#now().start(command, onLine);
  writeFile: NodeAgent['writeFile'] = async (path, content, mode) =>
    this.#now().writeFile(path, content, mode);
  arm: NodeAgent['arm'] = async (record) => this.#now().arm(record);
  undo: NodeAgent['undo'] = async (id) => this.#now().undo(id);
  tickEvery: NodeAgent['tickEvery'] = async (everyMs, forMs) =>
    this.#now().tickEvery(everyMs, forMs);

  watch: NodeAgent['watch'] = async (source, options) => {
    const watch: Watch = { source, options };
    watch.handle = await this.#now().watch(source, options);
    this.#watches.add(watch);
    return {
      stop: async () => {
        this.#watches.delete(watch);
        if (this.#isHere) await watch.handle?.stop();
      },
    };
  };

  behind: NodeAgent['behind'] = async () => this.#now().behind();
  /** While the node is away: by its clock as it was known last. */
  wallToRunMs: NodeAgent['wallToRunMs'] = (wallMs) =>
    this.#met?.connection.wallToRunMs(wallMs) ?? wallMs;
  heardMs: NodeAgent['heardMs'] = () => this.#met?.connection.heardMs() ?? -Infinity;

  /** See `RestartBy`. */
  async restartBy(why: string, deed: () => Promise<void>, timeoutMs: number): Promise<Restart> {
    const before = this.#met;
    this.#now();
    if (before === undefined || this.#announced !== undefined)
      throw new CoalmineError('agent', `${this.name} is about to go already`);
    this.#announced = why;
    try {
      await deed();
    } catch (error) {
      // What ends the agent may not live to say that it did.
      if (this.#isHere) {
        this.#announced = undefined;
        throw error;
      }
    }
    // Of what was reset or switched off nothing more is to be heard; nor of what is about to end.
    before.kill();
    this.#lose(before, why);
    const after = this.#meetNext(before.boot, timeoutMs).finally(() => {
      this.#announced = undefined;
    });
    after.catch(() => undefined); // whoever restarts it asks
    return { before: before.boot, after };
  }

  /** As the connection's own; one that is away is not waited for. */
  async close(): Promise<void> {
    this.#closed.abort(new CoalmineError('agent', `the agent on ${this.name} was closed`));
    if (this.#isHere) await this.#met?.connection.close();
  }

  /** Breaks the stream that there is. */
  kill(): void {
    this.#met?.kill();
  }

  #now(): AgentConnection {
    if (this.#met !== undefined && this.#isHere) return this.#met.connection;
    const why = this.#announced === undefined ? 'is gone' : `is away: ${this.#announced}`;
    throw new CoalmineError('agent', `the agent on ${this.name} ${why}`);
  }

  async #meet(): Promise<Met> {
    let met: Met | undefined;
    let lost = false;
    const link = await this.#options.connect(({ message }) => {
      lost = true;
      if (met !== undefined) this.#lose(met, message);
    });
    try {
      const boot = await readBoot(link.connection, this.#options.clock);
      met = { ...link, boot, isLost: () => lost };
      return met;
    } catch (error) {
      link.kill();
      throw error;
    }
  }

  /** What is watched anew is known to be of this boot: its first readings come after the word of it. */
  async #adopt(met: Met): Promise<void> {
    this.#options.onBoot(met.boot);
    for (const watch of this.#watches) {
      watch.handle = await met.connection.watch(watch.source, watch.options);
      if (!this.#watches.has(watch)) await watch.handle.stop();
    }
    if (met.isLost()) throw new CoalmineError('agent', `the agent on ${this.name} is lost again`);
    this.#met = met;
    this.#isHere = true;
  }

  #lose(met: Met, detail: string): void {
    if (met !== this.#met || !this.#isHere) return;
    this.#isHere = false;
    this.#options.onLost(this.#announced ?? detail);
  }

  /** The agent of before answers too, while its node shuts down: only that of another boot counts. */
  async #meetNext(before: Boot, timeoutMs: number): Promise<Boot> {
    const { name } = this;
    const { gone, onBack } = this.#options;
    const signal = AbortSignal.any([this.#closed.signal, ...(gone === undefined ? [] : [gone])]);
    const wait = { what: `${name} to boot anew`, timeoutMs, everyMs: LOOK_EVERY_MS, signal };
    return waitFor(wait, async () => {
      const met = await this.#meet();
      try {
        if (met.boot.id === before.id)
          throw new CoalmineError('agent', `${name} still runs the kernel of before`);
        await this.#adopt(met);
      } catch (error) {
        met.kill();
        throw error;
      }
      onBack(this.#announced ?? '');
      return met.boot;
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}
