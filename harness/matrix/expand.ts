/** A matrix is axes of values; its cells are all combinations, in the order in which they are written. */

export type Axes = Readonly<Record<string, readonly string[]>>;

/** One combination: axis to value; empty for a scenario without a matrix. */
export type Cell = Readonly<Record<string, string>>;

export const CELLS_MAX = 64;

/** Returns every combination; the last axis varies fastest. An empty matrix has one empty cell. */
export function expandMatrix(axes: Axes): Cell[] {
  return Object.entries(axes).reduce<Cell[]>(
    (cells, [axis, values]) =>
      cells.flatMap((cell) => values.map((value) => ({ ...cell, [axis]: value }))),
    [{}],
  );
}

export interface Exclusion {
  /** Every axis named here must match for the cell to be excluded. */
  when: Cell;
  because: string;
}

/** Returns the reason of the first exclusion that matches the cell. */
export function exclusionOf(cell: Cell, exclusions: readonly Exclusion[]): string | undefined {
  return exclusions.find(({ when }) =>
    Object.entries(when).every(([axis, value]) => cell[axis] === value),
  )?.because;
}

/** Returns the cell's stable name, for folders and reports: `kube-proxy=1.34.4,proxyMode=nftables`; empty for the empty cell. */
export function cellName(cell: Cell): string {
  return Object.entries(cell)
    .map(([axis, value]) => `${axis}=${value}`)
    .join(',');
}
