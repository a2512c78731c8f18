/** What is said to a machine's monitor for each verb. All are idempotent: an undo may be carried out twice. */
import { CoalmineError } from '../../core/errors.ts';
import type { MonitorVerb } from './machine-command.ts';
import { nextEvent, type Qmp } from './qmp.ts';

/** The guest must let go of a device: its driver is unbound first. */
const DETACH_MS = 25_000;

export const MONITOR_DEEDS: Record<MonitorVerb, (qmp: Qmp, argument: string) => Promise<void>> = {
  suspend: async (qmp) => {
    await qmp.execute('stop');
  },
  resume: async (qmp) => {
    await qmp.execute('cont');
  },
  reset: async (qmp) => {
    await qmp.execute('system_reset');
  },
  // As when the plug is pulled: nothing is asked of the guest. What it is when it comes back is decided by power-on.
  'power-off': async (qmp) => {
    await qmp.execute('stop');
  },
  'power-on': async (qmp) => {
    if ((await runState(qmp)) === 'running') return;
    await qmp.execute('system_reset');
    await qmp.execute('cont');
  },
  'is-running': async (qmp) => {
    const state = await runState(qmp);
    if (state !== 'running') throw new CoalmineError('command', `its run state is ${state}`);
  },
  detach: async (qmp, id) => {
    const gone = nextEvent(
      qmp,
      // The first event of that name may be about a part of the device, and names none.
      ({ event, data }) => event === 'DEVICE_DELETED' && data['device'] === id,
      { what: `${id} to leave the machine`, timeoutMs: DETACH_MS },
    );
    gone.catch(() => undefined);
    if (!(await hasDevice(qmp, id))) return;
    await qmp.execute('device_del', { id });
    await gone;
  },
  attach: async (qmp, argument) => {
    const device = JSON.parse(argument) as Record<string, unknown>;
    if (await hasDevice(qmp, String(device['id']))) return;
    await qmp.execute('device_add', device);
  },
  'has-device': async (qmp, id) => {
    if (!(await hasDevice(qmp, id))) throw new CoalmineError('command', `it has no ${id}`);
  },
};

export async function runState(qmp: Qmp): Promise<string> {
  const answer = await qmp.execute('query-status');
  const status = (answer as { status?: unknown } | null)?.status;
  return typeof status === 'string' ? status : 'unknown';
}

async function hasDevice(qmp: Qmp, id: string): Promise<boolean> {
  const answer = await qmp.execute('qom-list', { path: '/machine/peripheral' });
  return Array.isArray(answer) && answer.some((one: { name?: unknown }) => one.name === id);
}
