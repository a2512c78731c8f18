/** One machine that boots, in namespaces of its own: `boot-room IMAGE-JSON FOLDER`. Prints one line of JSON. */
import type { VmImage } from '../../harness/components/image/vm-image.ts';
import { monotonicMs, startRunClock } from '../../harness/core/clock.ts';
import { bootMachine, reach } from './boot-machine.ts';

export interface BootReport {
  powerOnToAgentMs: number;
}

const [file, image = '', folder = ''] = process.argv.slice(1);
if (file === import.meta.filename) {
  const fromMs = monotonicMs();
  const { machine } = await bootMachine(JSON.parse(image) as VmImage, folder);
  await reach(machine, 'agent', startRunClock(), () => undefined);
  const report: BootReport = { powerOnToAgentMs: monotonicMs() - fromMs };
  await machine.kill();
  console.log(JSON.stringify(report));
  process.exit(0);
}
