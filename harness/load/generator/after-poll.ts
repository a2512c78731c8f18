/**
 * Node runs timers before it reads sockets. After a freeze of the process, a timer would therefore call a request lost
 * whose answer already lies in the socket's buffer. So whoever wants to judge a timeout asks here first.
 */
/** Calls `judge` once the event loop has turned without `received` growing: all that had arrived was then read. */
export function afterPoll(received: () => number, judge: () => void): void {
  let before = -1;
  const turn = (): void => {
    const now = received();
    if (now === before) {
      judge();
      return;
    }
    before = now;
    setImmediate(turn);
  };
  setImmediate(turn);
}
