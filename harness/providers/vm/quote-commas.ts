/** QEMU's own way to say a comma within a value. */
export function quoteCommas(value: string): string {
  return value.replaceAll(',', ',,');
}
