/**
 * How long softirqs and timer handlers hold a CPU, as the kernel itself counts it: histogram triggers of tracefs
 * (CONFIG_HIST_TRIGGERS, in Debian's kernels as in most). An instance of its own holds the triggers, so that nobody else's
 * tracing is touched; a synthetic event for each length carries it from the end of a handler into a histogram of powers of
 * two. Nothing is written into a ring buffer, and nothing runs in user space.
 *
 * Counted are: `timer`, one handler of a timer by its function's name; `softirq`, one softirq from entry to exit by vector;
 * `wait`, a softirq from the last time that it was raised to its entry. Handlers do not nest on a CPU, so one start for
 * each CPU is enough.
 */
export const TRACEFS = '/sys/kernel/tracing';

const LENGTHS = ['timer', 'softirq', 'wait'] as const;
type SoftirqLength = (typeof LENGTHS)[number];

/** Synthetic events have one name space for the whole kernel: it is in their names whose they are. */
export interface SoftirqTrace {
  readonly instance: string;
  /** Definitions, as synthetic_events takes them. */
  readonly events: readonly string[];
  /** In the order in which they can be set: file below the instance's events/, and the trigger. */
  readonly triggers: readonly (readonly [file: string, trigger: string])[];
  readonly histograms: Readonly<Record<SoftirqLength, string>>;
}

const START = 'common_timestamp.usecs';
const KEY: Readonly<Record<SoftirqLength, string>> = {
  timer: 'function.sym',
  softirq: 'vec',
  wait: 'vec',
};

/** @param tag what tells this trace from all others on the node: letters, digits and dashes */
export function softirqTrace(tag: string): SoftirqTrace {
  const prefix = tag.replaceAll('-', '_');
  const event = (length: SoftirqLength): string => `${prefix}_${length}`;
  const folder = (length: SoftirqLength): string => `synthetic/${event(length)}`;
  return {
    instance: tag,
    events: [
      `${event('timer')} u64 us; unsigned long function`,
      `${event('softirq')} u64 us; unsigned int vec`,
      `${event('wait')} u64 us; unsigned int vec`,
    ],
    triggers: [
      ['timer/timer_expire_entry', `hist:keys=common_cpu:t0=${START},fn=function`],
      [
        'timer/timer_expire_exit',
        `hist:keys=common_cpu:us=${START}-$t0,f=$fn:onmatch(timer.timer_expire_entry).trace(${event('timer')},$us,$f)`,
      ],
      ['irq/softirq_raise', `hist:keys=common_cpu,vec:r0=${START}`],
      [
        'irq/softirq_entry',
        `hist:keys=common_cpu,vec:wus=${START}-$r0:onmatch(irq.softirq_raise).trace(${event('wait')},$wus,vec)`,
      ],
      ['irq/softirq_entry', `hist:keys=common_cpu,vec:s0=${START}`],
      [
        'irq/softirq_exit',
        `hist:keys=common_cpu,vec:sus=${START}-$s0:onmatch(irq.softirq_entry).trace(${event('softirq')},$sus,vec)`,
      ],
      ...LENGTHS.map((length) => [folder(length), `hist:keys=${KEY[length]},us.log2`] as const),
    ],
    histograms: Object.fromEntries(
      LENGTHS.map((length) => [
        length,
        `${TRACEFS}/instances/${tag}/events/${folder(length)}/hist`,
      ]),
    ) as Record<SoftirqLength, string>,
  };
}
