/**
 * The queries in flight, by message id: plain arrays, because this is the hot path. A pair owns the neighbouring ids 2p
 * (A) and 2p + 1 (AAAA), and ids are dealt in a circle, so that a late answer meets its own id and no new query.
 */
const IDS = 65_536;
const PAIRS = IDS / 2;
/** Half of all pairs, so that a free one is near and an id rests before it is used again. */
export const PAIRS_IN_FLIGHT_MAX = PAIRS / 2;

export interface Slots {
  /** Pairs with at least one open query. */
  busyPairs(): number;
  openQueries(): number;
  /** Claims a free pair and returns its number. */
  claim(): number;
  /** Opens the query `id` with a copy of `question`, which is not written to again before the query is closed. */
  load(id: number, question: Buffer): void;
  sentNow(id: number): void;
  /** The packet of an open query, undefined where nothing is open under this id. */
  open(id: number): Buffer | undefined;
  /** Closes a query; returns the milliseconds since it was sent. */
  close(id: number): number;
  isPairDone(pair: number): boolean;
  release(pair: number): void;
  /** Ids that were sent at least `timeoutMs` ago. */
  expired(timeoutMs: number): number[];
}

export function createSlots(): Slots {
  const packets: (Buffer | undefined)[] = Array.from({ length: IDS }, () => undefined);
  const isOpen = new Uint8Array(IDS);
  /** 0 while the query waits for its socket. */
  const sentAtMs = new Float64Array(IDS);
  const isBusy = new Uint8Array(PAIRS);
  let cursor = 0;
  let busy = 0;
  let opened = 0;
  return {
    busyPairs: () => busy,
    openQueries: () => opened,
    claim() {
      while (isBusy[cursor] === 1) cursor = (cursor + 1) % PAIRS;
      const pair = cursor;
      cursor = (cursor + 1) % PAIRS;
      isBusy[pair] = 1;
      busy += 1;
      return pair;
    },
    load(id, question) {
      const old = packets[id];
      const packet = old?.length === question.length ? old : Buffer.allocUnsafe(question.length);
      packet.set(question);
      packet[0] = id >> 8;
      packet[1] = id & 0xff;
      packets[id] = packet;
      isOpen[id] = 1;
      opened += 1;
    },
    sentNow(id) {
      sentAtMs[id] = performance.now();
    },
    open: (id) => (isOpen[id] === 1 ? packets[id] : undefined),
    close(id) {
      const sentMs = sentAtMs[id] ?? 0;
      isOpen[id] = 0;
      sentAtMs[id] = 0;
      opened -= 1;
      return performance.now() - sentMs;
    },
    isPairDone: (pair) => isOpen[2 * pair] === 0 && isOpen[2 * pair + 1] === 0,
    release(pair) {
      isBusy[pair] = 0;
      busy -= 1;
    },
    expired(timeoutMs) {
      const limitMs = performance.now() - timeoutMs;
      const ids: number[] = [];
      for (let id = 0; id < IDS; id += 1) {
        const sentMs = sentAtMs[id] ?? 0;
        if (sentMs > 0 && sentMs <= limitMs) ids.push(id);
      }
      return ids;
    },
  };
}
