/** A terminal that was closed under us. Node.js puts terminals in order when it ends, and aborts where one is gone. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

const STANDARD = [0, 1, 2] as const;

/** Puts /dev/null in the place of each standard stream whose terminal is gone; one that lives is left alone. */
export function letGoOfLostTerminal(): void {
  for (const fd of STANDARD) {
    // A closed terminal is still a device, and answers like none.
    if (!fstatSync(fd).isCharacterDevice() || isatty(fd)) continue;
    closeSync(fd);
    openSync('/dev/null', 'r+'); // takes the lowest free number: the one that was just closed
  }
}
