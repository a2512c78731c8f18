/** Every fault that a scenario may name. One line for each; nothing registers itself. */
import { dropPackets } from './drop-packets.ts';
import { editIpvs } from './edit-ipvs.ts';
import type { Fault, FaultParams } from './fault.ts';
import { flood } from './flood.ts';
import { freeze } from './freeze.ts';
import { ipvsTable } from './ipvs-table.ts';
import { killPod, restartComponent } from './kill-pod.ts';
import { nicReattach } from './nic-reattach.ts';
import { pileIrqs } from './pile-irqs.ts';
import { powerOff } from './power-off.ts';
import { reboot } from './reboot.ts';
import { stopProcess } from './stop-process.ts';

/** Give `prepare` only what the same fault's `params` has parsed. */
export const FAULTS: readonly Fault<FaultParams>[] = [
  dropPackets,
  editIpvs,
  flood,
  freeze,
  ipvsTable,
  killPod,
  nicReattach,
  pileIrqs,
  powerOff,
  reboot,
  restartComponent,
  stopProcess,
];
