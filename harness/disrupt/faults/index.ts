/** Every fault that a scenario may name. One line for each; nothing registers itself. */
import { dropPackets } from './drop-packets.ts';
import type { Fault, FaultParams } from './fault.ts';
import { flood } from './flood.ts';
import { freeze } from './freeze.ts';
import { killPod, restartComponent } from './kill-pod.ts';
import { stopProcess } from './stop-process.ts';

/** Give `prepare` only what the same fault's `params` has parsed. */
export const FAULTS: readonly Fault<FaultParams>[] = [
  dropPackets,
  flood,
  freeze,
  killPod,
  restartComponent,
  stopProcess,
];
