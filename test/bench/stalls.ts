/**
 * How closely a node's agent sees a stall of its machine (SIGSTOP of QEMU), which is what decides whether a freeze counts
 * as proved; and what an idle machine costs its host. No ratio of two times: the clock of the guest against the length
 * that was asked for.
 */
import { runMachineRoom } from '../support/run-machine-room.ts';
import type { StallReport } from '../support/stall-room.ts';
import type { Ratio } from './ratio.ts';

export async function stalls(): Promise<Ratio[]> {
  const report = (await runMachineRoom('stall-room.ts')) as StallReport;
  const off = report.offMs.map(Math.abs).sort((a, b) => a - b);
  const nth = (share: number): number => off[Math.ceil(share * off.length) - 1] ?? NaN;
  const rest = `median ${nth(0.5).toFixed(1)} ms, max ${nth(1).toFixed(1)} ms`;
  return [
    {
      name: 'guest gap of a stall, p99 off, ms',
      value: nth(0.99),
      goal: { atMost: 20 },
      unit: `${off.length} stalls of ${report.askedMs} ms; ${rest}`,
    },
    {
      name: 'idle machine, cores of its host',
      value: report.idleCores,
      unit: 'QEMU alone, before it joins: kernel, systemd, containerd and the agent',
    },
  ];
}
