/**
 * irqbalance on a node runs under the unit of its own package, hardening included: what that forbids is under test too.
 * Only how it is started is replaced: with the libraries of its suite, and with the debug output that a checker reads.
 */

/** `1.9.4-1+deb13u1-readonly`: what 1.9.4-1 was, which no mirror has any more. */
export const READONLY_SUFFIX = /-readonly$/;
export const READONLY_NOTE =
  "no Debian mirror has irqbalance 1.9.4-1 any more: its fault, the unit's ProtectKernelTunables=yes, is put back into 1.9.4-1+deb13u1 by a drop-in";

/** Where the tools disk has it; the root disk's unit folder points there. */
export const IRQBALANCE_HOME = '/coalmine/irqbalance';
/** `COALMINE_IRQBALANCE_INTERVAL=5` in this file on the node sets the seconds between two balancings. */
export const IRQBALANCE_ENV_FILE = '/etc/default/coalmine-irqbalance';

/** @param unit its package's own unit: whether it may speak to the journal's socket depends on nothing else */
export function irqbalanceDropIn(loader: string, unit: string): string {
  const home = IRQBALANCE_HOME;
  const start = [
    `${home}/lib/${loader} --library-path ${home}/lib ${home}/sbin/irqbalance`,
    '--foreground --debug --interval ${COALMINE_IRQBALANCE_INTERVAL} $IRQBALANCE_ARGS',
  ];
  return [
    '[Service]',
    'Environment=COALMINE_IRQBALANCE_INTERVAL=5',
    `EnvironmentFile=-${IRQBALANCE_ENV_FILE}`,
    'ExecStart=',
    `ExecStart=${start.join(' ')}`,
    ...(/^Type=/m.test(unit) ? ['Type=simple'] : []),
    '',
  ].join('\n');
}

export function readonlyDropIn(): string {
  return '[Service]\nProtectKernelTunables=yes\n';
}
