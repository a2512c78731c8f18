/**
 * irqbalance on a node runs under the unit of its own package, hardening included: what that forbids is under test too.
 * Only how it is started is replaced: with the libraries of its suite, and with the debug output that a checker reads.
 */
import { irqbalanceOf } from '../recipes/irqbalance.ts';

/** Where the tools disk has it; the root disk's unit folder points there. */
export const IRQBALANCE_HOME = '/coalmine/irqbalance';
/** `COALMINE_IRQBALANCE_INTERVAL=5` in this file on the node sets the seconds between two balancings. */
const IRQBALANCE_ENV_FILE = '/etc/default/coalmine-irqbalance';

const LOADER = 'ld-linux-x86-64.so.2';
/** What stdbuf preloads, of the node's own suite; it asks nothing of newer C libraries. Else lines come 4 KiB late. */
const LINE_BUFFER = '/usr/libexec/coreutils/libstdbuf.so';

/** Returns the drop-ins by name: what a version is started with, and what its name says is put back. */
export function irqbalanceDropIns(version: string): Record<string, string> {
  return { '50-coalmine.conf': startDropIn(), ...irqbalanceOf(version).dropIn };
}

function startDropIn(): string {
  const home = IRQBALANCE_HOME;
  const start = [
    `${home}/lib/${LOADER} --preload ${LINE_BUFFER} --library-path ${home}/lib`,
    `${home}/sbin/irqbalance --foreground --debug`,
    '--interval ${COALMINE_IRQBALANCE_INTERVAL} $IRQBALANCE_ARGS',
  ];
  return [
    '[Service]',
    'Environment=COALMINE_IRQBALANCE_INTERVAL=5 _STDBUF_O=L',
    `EnvironmentFile=-${IRQBALANCE_ENV_FILE}`,
    'ExecStart=',
    `ExecStart=${start.join(' ')}`,
    '',
  ].join('\n');
}
