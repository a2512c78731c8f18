/** Whether a few bad ones among a few are bad luck, or more than the share that is allowed. */

/**
 * Returns how probable so many bad ones or more are, if each of them is bad with that share (a binomial distribution). In
 * logarithms, because of many requests each single outcome is less likely than a number can say.
 */
export function chanceOfAtLeast(
  count: number,
  { of, share }: { of: number; share: number },
): number {
  if (count <= 0 || share >= 1) return 1;
  if (share <= 0) return 0;
  const odds = Math.log(share / (1 - share));
  let less = 0;
  let log = of * Math.log(1 - share);
  for (let bad = 0; bad < count; bad += 1) {
    less += Math.exp(log);
    log += Math.log((of - bad) / (bad + 1)) + odds;
  }
  return Math.max(0, 1 - less);
}
