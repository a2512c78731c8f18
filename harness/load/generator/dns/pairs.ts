/**
 * A and AAAA back to back on one connected UDP socket, as glibc asks: two packets of one flow race each other through
 * conntrack, and that race is what loses one of them. No ready-made load generator sends such pairs.
 */
import { createSocket, type Socket } from 'node:dgram';
import { afterPoll } from '../after-poll.ts';
import { startPacer } from '../pacer.ts';
import type { Tally } from '../tally.ts';
import type { Work } from '../work.ts';
import { encodeQuery, messageId, rcodeName, readAnswer } from './packet.ts';
import { socketType, untilAnswered, type DnsServer } from './server.ts';
import { createSlots, PAIRS_IN_FLIGHT_MAX } from './slots.ts';

export interface PairsOptions {
  server: DnsServer;
  names: readonly [string, ...string[]];
  /** 0 is as fast as it goes, with `concurrency` pairs always in flight. */
  pairsPerSecond: number;
  timeoutMs: number;
  /** `rotate`: a new socket, so a new source port, for each pair, as resolvers do. `fixed`: one socket for all. */
  sockets: 'rotate' | 'fixed';
  /** Pairs in flight at most. */
  concurrency: number;
}

const SWEEP_EVERY_MS = 50;

/** A class for its state: what is in flight, on which socket. */
export class DnsPairs implements Work {
  readonly #options: PairsOptions;
  readonly #questions: readonly { a: Buffer; aaaa: Buffer }[];
  readonly #concurrency: number;
  readonly #slots = createSlots();
  /** By pair; empty where one socket serves all. */
  readonly #sockets: (Socket | undefined)[] = [];
  #fixed: Socket | undefined;
  #tally: Tally | undefined;
  #isSending = false;
  #next = 0;
  #received = 0;
  #stopPacer = (): void => undefined;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: PairsOptions) {
    this.#options = options;
    this.#questions = options.names.map((name) => ({
      a: encodeQuery(name, 'A'),
      aaaa: encodeQuery(name, 'AAAA'),
    }));
    this.#concurrency = Math.min(options.concurrency, PAIRS_IN_FLIGHT_MAX);
  }

  warmUp(withinMs: number): Promise<string> {
    return untilAnswered(this.#options.server, this.#options.names[0], withinMs);
  }

  start(tally: Tally): void {
    this.#tally = tally;
    this.#isSending = true;
    this.#sweeper = setInterval(() => {
      this.#sweep();
    }, SWEEP_EVERY_MS);
    if (this.#options.sockets === 'rotate') this.#begin();
    else this.#openFixed();
  }

  stopSending(): void {
    this.#isSending = false;
    this.#stopPacer();
  }

  isDrained(): boolean {
    return this.#slots.busyPairs() === 0;
  }

  unfinished(): number {
    return this.#slots.openQueries();
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#fixed?.close();
    for (const socket of this.#sockets) socket?.close();
  }

  #begin(): void {
    if (!this.#isSending) return;
    if (this.#options.pairsPerSecond === 0) {
      this.#sendFull();
      return;
    }
    this.#stopPacer = startPacer({
      ratePerSecond: this.#options.pairsPerSecond,
      send: () => this.#sendPair(),
      onSkipped: (pairs) => this.#tally?.skip(2 * pairs),
    });
  }

  #sendFull(): void {
    while (this.#isSending && this.#sendPair());
  }

  #sendPair(): boolean {
    if (this.#slots.busyPairs() >= this.#concurrency) return false;
    const pair = this.#slots.claim();
    const question = this.#questions[this.#next];
    this.#next = (this.#next + 1) % this.#questions.length;
    if (question === undefined) return false;
    this.#slots.load(2 * pair, question.a);
    this.#slots.load(2 * pair + 1, question.aaaa);
    if (this.#fixed === undefined) this.#openForPair(pair);
    else this.#sendBoth(pair, this.#fixed);
    return true;
  }

  #sendBoth(pair: number, socket: Socket): void {
    this.#send(2 * pair, socket);
    this.#send(2 * pair + 1, socket);
  }

  #send(id: number, socket: Socket): void {
    const packet = this.#slots.open(id);
    if (packet === undefined) return;
    this.#slots.sentNow(id);
    socket.send(packet, (error) => {
      if (error !== null) this.#fail(id, error);
    });
  }

  #openForPair(pair: number): void {
    const socket = createSocket(socketType(this.#options.server));
    this.#sockets[pair] = socket;
    socket.on('message', (message) => {
      if (messageId(message) >> 1 === pair) this.#receive(message);
    });
    // The kernel's word about this very flow, such as "connection refused": it ends both queries.
    socket.on('error', (error) => {
      if (this.#sockets[pair] !== socket) return;
      this.#fail(2 * pair, error);
      this.#fail(2 * pair + 1, error);
    });
    socket.on('connect', () => {
      if (this.#sockets[pair] === socket) this.#sendBoth(pair, socket);
    });
    socket.connect(this.#options.server.port, this.#options.server.address);
  }

  #openFixed(): void {
    const socket = createSocket(socketType(this.#options.server));
    socket.on('message', (message) => {
      this.#receive(message);
    });
    // Which of the queries was refused is unknown here, so each counts as what it will be: unanswered.
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      this.#fixed = socket;
      this.#begin();
    });
    socket.connect(this.#options.server.port, this.#options.server.address);
  }

  #receive(message: Buffer): void {
    this.#received += 1;
    const id = messageId(message);
    const query = this.#slots.open(id);
    const rcode = query === undefined ? -1 : readAnswer(message, query);
    if (rcode < 0) return;
    const tookMs = this.#slots.close(id);
    if (rcode === 0) this.#tally?.ok(tookMs);
    else this.#tally?.error(rcodeName(rcode), tookMs);
    this.#afterClose(id >> 1);
  }

  #fail(id: number, error: Error): void {
    if (this.#slots.open(id) === undefined) return;
    this.#slots.close(id);
    this.#tally?.error((error as NodeJS.ErrnoException).code ?? error.name);
    this.#afterClose(id >> 1);
  }

  #afterClose(pair: number): void {
    if (!this.#slots.isPairDone(pair)) return;
    const socket = this.#sockets[pair];
    this.#sockets[pair] = undefined;
    socket?.close();
    this.#slots.release(pair);
    if (this.#options.pairsPerSecond === 0) this.#sendFull();
  }

  #sweep(): void {
    if (this.#slots.busyPairs() === 0) return;
    if (this.#slots.expired(this.#options.timeoutMs).length === 0) return;
    afterPoll(
      () => this.#received,
      () => {
        for (const id of this.#slots.expired(this.#options.timeoutMs)) {
          this.#tally?.timeout(this.#slots.close(id));
          this.#afterClose(id >> 1);
        }
      },
    );
  }
}
