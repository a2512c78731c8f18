/** What marks everything that one fault of one run adds to a node or to this machine. */
export function tagOf(runId: string, faultId: string): string {
  return `coalmine-${runId}-${faultId}`;
}
