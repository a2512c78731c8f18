/**
 * Names in checks that point at something else of the same scenario. Each key means the same in every checker; what it does
 * not find would only be told by a whole run, as *inconclusive*. Pure.
 */

interface Named {
  readonly phases: readonly {
    name: string;
    under?: object | undefined;
    fault?: object | undefined;
  }[];
  readonly load: Readonly<Record<string, unknown>>;
  readonly checks: Readonly<Record<string, unknown>>;
}

interface Complaint {
  path: (string | number)[];
  message: string;
}

/** A check need not have one of its own: nothing is taken off then. */
const DEFAULT_BASELINE = 'baseline';

export function unknownNames({ phases, load, checks }: Named): Complaint[] {
  const known = {
    phase: phases.map(({ name }) => name),
    fault: phases.flatMap(({ under, fault }) => Object.keys({ ...under, ...fault })),
    load: Object.keys(load),
  };
  const kinds: Readonly<Record<string, keyof typeof known>> = {
    ...{ baseline: 'phase', except: 'phase' },
    ...{ during: 'fault', since: 'fault', loads: 'load' },
  };
  return Object.entries(checks).flatMap(([check, params]) =>
    Object.entries((params ?? {}) as Record<string, unknown>).flatMap(([key, value]) => {
      const kind = kinds[key];
      if (kind === undefined || (key === 'baseline' && value === DEFAULT_BASELINE)) return [];
      const path = ['checks', check, key];
      const asked = Array.isArray(value)
        ? value.map((name: unknown, index) => ({ name, path: [...path, index] }))
        : [{ name: value, path }];
      return asked.flatMap(({ name, path: at }) => {
        if (typeof name !== 'string' || known[kind].includes(name)) return [];
        const there =
          known[kind].length === 0 ? 'there is none' : `there are: ${known[kind].join(', ')}`;
        return [{ path: at, message: `this scenario has no ${kind} ${name}; ${there}` }];
      });
    }),
  );
}
