/**
 * A scenario as its own controls: every set of versions under `knownBad` must fail and every one under `knownGood` must
 * pass, or the scenario proves nothing about versions that nobody knows.
 */
import { CoalmineError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import { CELLS_MAX } from '../matrix/expand.ts';
import type { Override } from './overrides.ts';
import { planScenario, type Planned, type PlanOptions } from './plan.ts';
import { loadScenario } from './scenario-file.ts';

export interface Known {
  /** How often each control is run. */
  readonly times: number;
}

interface Control {
  readonly expects: NonNullable<Plan['expects']>;
  /** `known=bad,kube-proxy=1.13.0` */
  readonly name: string;
  readonly versions: readonly Override[];
}

/** Round after round, each with every control. Throws `usage` where the scenario knows of none. */
export function planKnown(
  nameOrPath: string,
  overrides: readonly Override[],
  { times }: Known,
  options: PlanOptions,
): Planned {
  const controls = controlsOf(nameOrPath, overrides);
  const planned: Planned = { plans: [], skipped: [] };
  for (let round = 1; round <= demandTimes(times); round += 1) {
    for (const { expects, name, versions } of controls) {
      const cellOf = (cell: string): string =>
        [name, cell, times === 1 ? '' : `round=${round}`].filter((part) => part !== '').join(',');
      const pinned = loadScenario(nameOrPath, [...overrides, ...versions]);
      const { plans, skipped } = planScenario(pinned, options);
      planned.plans.push(...plans.map((plan) => ({ ...plan, expects, cell: cellOf(plan.cell) })));
      planned.skipped.push(...skipped.map((one) => ({ ...one, expects, cell: cellOf(one.cell) })));
    }
  }
  demandFew(planned);
  const plans = planned.plans.map((plan, index) => ({
    ...plan,
    runId: `${options.runId}-${index + 1}`,
  }));
  return { ...planned, plans };
}

function controlsOf(nameOrPath: string, overrides: readonly Override[]): Control[] {
  const { scenario, path } = loadScenario(nameOrPath, overrides);
  const controls = (['bad', 'good'] as const).flatMap((known) =>
    scenario[known === 'bad' ? 'knownBad' : 'knownGood'].map((versions): Control => {
      const pins = Object.entries(versions).flatMap(([component, version]): Override[] =>
        version === undefined
          ? []
          : [
              {
                text: `${component}=${version}`,
                path: ['components', component],
                value: version,
              },
            ],
      );
      return {
        expects: known === 'bad' ? 'fail' : 'pass',
        name: [`known=${known}`, ...pins.map(({ text }) => text)].join(','),
        versions: pins,
      };
    }),
  );
  if (controls.length === 0) {
    throw new CoalmineError('usage', `${path} has neither knownBad nor knownGood`, {
      wayOut: 'Name versions that must fail, and such that must pass: scenarios/README.md.',
    });
  }
  const ofWhat = ({ versions }: Control): string =>
    versions
      .map(({ text }) => text)
      .sort()
      .join();
  const twice = controls.find(
    (one, index) => controls.findIndex((other) => ofWhat(other) === ofWhat(one)) !== index,
  );
  if (twice === undefined) return controls;
  throw new CoalmineError('usage', `${path}: the versions of ${twice.name} are stated twice`);
}

function demandTimes(times: number): number {
  if (Number.isInteger(times) && times >= 1 && times <= CELLS_MAX) return times;
  throw new CoalmineError('usage', `--times ${times}: a whole number from 1 to ${CELLS_MAX}`);
}

function demandFew({ plans, skipped }: Planned): void {
  const cells = plans.length + skipped.length;
  if (cells <= CELLS_MAX) return;
  throw new CoalmineError('usage', `there are ${cells} controls to run; at most ${CELLS_MAX}`, {
    wayOut: 'Choose fewer --times, or pin an axis of the matrix with --set.',
  });
}
