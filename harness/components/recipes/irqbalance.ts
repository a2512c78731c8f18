/**
 * irqbalances that no Debian mirror has (any more): a version that there is, with the fault put back that the name says.
 * `1.9.4-1+deb13u1-readonly` is 1.9.4-1 as it was; `…-without-2a66a66` decides as 1.7.0 and 1.8.0 did. Pure.
 */

interface Variant {
  suffix: string;
  /** What a reader of the report must know of it. */
  note: (real: string) => string;
  /** Put into its unit. */
  dropIn?: Readonly<Record<string, string>>;
  /** Applied to its source package with `patch --strip=1`; it is built then. */
  patch?: string;
}

/**
 * Irqbalance/irqbalance@2a66a66 taken back: with unsigned numbers, the test of e9e2811 is never true where an interrupt
 * should move (seed 000). It is all that 1.8.0 lacks to spread a NIC that came back.
 */
const UNSIGNED_TEST = `--- a/irqlist.c
+++ b/irqlist.c
@@ -97,7 +97,7 @@
 	}
${' '}
 	/* If we can migrate an irq without swapping the imbalance do it. */
-	if ((lb_info->min_load + info->load) < delta_load + (lb_info->adjustment_load - info->load)) {
+	if ((lb_info->min_load + info->load) - (lb_info->adjustment_load - info->load) < delta_load) {
 		lb_info->adjustment_load -= info->load;
 		lb_info->min_load += info->load;
 		if (lb_info->min_load > lb_info->adjustment_load) {
`;

const VARIANTS: readonly Variant[] = [
  {
    suffix: '-readonly',
    note: (real) =>
      `no Debian mirror has irqbalance 1.9.4-1 any more: its fault, the unit's ProtectKernelTunables=yes, is put back into ${real} by a drop-in`,
    dropIn: { '60-readonly.conf': '[Service]\nProtectKernelTunables=yes\n' },
  },
  {
    suffix: '-without-2a66a66',
    note: (real) =>
      `no Debian mirror has irqbalance 1.8.0: its fault is put back into ${real}, which is built here from Debian's source package without the change Irqbalance/irqbalance@2a66a66`,
    patch: UNSIGNED_TEST,
  },
];

/** What may stand behind the version of a package, as a part of a regular expression. */
export const IRQBALANCE_SUFFIXES = VARIANTS.map(({ suffix }) => suffix).join('|');

/** The version that the mirror has, and what is changed in it. */
export function irqbalanceOf(version: string): { real: string } & Omit<Variant, 'suffix'> {
  const variant = VARIANTS.find(({ suffix }) => version.endsWith(suffix));
  if (variant === undefined) return { real: version, note: () => '' };
  const { suffix, ...change } = variant;
  return { real: version.slice(0, -suffix.length), ...change };
}

/** Returns what a reader of the report must know of a version that is not what its package was. */
export function irqbalanceNote(version: string): string | undefined {
  const { real, note } = irqbalanceOf(version);
  return real === version ? undefined : note(real);
}
