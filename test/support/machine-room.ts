/**
 * One real machine in namespaces of its own, through one boot: `machine-room IMAGE-JSON KIND FOLDER`. Freezes it, takes its
 * NIC out and kills it, by the faults that runs use, and prints what came of it as one line of JSON.
 */
import { once } from 'node:events';
import path from 'node:path';
import type { AgentConnection } from '../../harness/agent/client.ts';
import { encode } from '../../harness/agent/protocol.ts';
import type { VmImage } from '../../harness/components/image/vm-image.ts';
import { startRunClock } from '../../harness/core/clock.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { messageOf } from '../../harness/core/errors.ts';
import type { EventOf, HistoryEvent } from '../../harness/core/history.ts';
import type { NodeInfo } from '../../harness/core/node.ts';
import type { PluginUse } from '../../harness/core/plan.ts';
import { ActiveFaults } from '../../harness/disrupt/active.ts';
import { FAULTS } from '../../harness/disrupt/faults/index.ts';
import { openJournal } from '../../harness/disrupt/journal.ts';
import { tagOf } from '../../harness/disrupt/tag.ts';
import { standstillOf, traceTimers } from '../../harness/disrupt/traces/timers.ts';
import { local } from '../../harness/exec/local.ts';
import type { Machine } from '../../harness/providers/vm/machine.ts';
import { bootMachine, reach } from './boot-machine.ts';
import { FakeKube } from './fake-kube.ts';

export interface MachineReport {
  /** Why an agent that was still speaking did not make room for the next one; empty where it did, each time. */
  noRoom: string;
  greetings: string[];
  events: HistoryEvent[];
  clockErrorMs: number;
  nicBefore: string;
  nicAfter: string;
  /** Exit codes of inject, verify, undo, verify: the commands of the journal. */
  byCommand: Record<string, (number | null)[]>;
  consoleTail: string;
  died: string;
  afterDeath: { port: string; verify: (number | null)[]; disturb: number | null };
  linksLeft: string[];
}

const LIMITS = { timeoutMs: 30_000 };
const BEATS = 5_000;
const never = new AbortController().signal;
const clock = startRunClock();
const events: HistoryEvent[] = [];

async function main(image: VmImage, folder: string): Promise<MachineReport> {
  const { machine, network } = await bootMachine(image, folder);
  try {
    const noRoom = await leaveWhileItSpeaks(machine).then(() => '', messageOf);
    const ports = ['agent', 'hand'] as const;
    const [agent, hand] = await Promise.all(
      ports.map((port) =>
        reach(machine, port, clock, (event) => {
          if (port === 'agent') events.push(event);
        }),
      ),
    );
    if (agent === undefined || hand === undefined) throw new Error('two ports, two agents');
    const greetings = await Promise.all([say(agent, 'agent'), say(hand, 'hand')]);
    const nicBefore = await readNic(agent);
    for (const nic of machine.nics) {
      await hand.run({ argv: ['ip', 'address', 'replace', nic.address, 'dev', nic.name] }, LIMITS);
      await hand.run({ argv: ['ip', 'link', 'set', nic.name, 'up'] }, LIMITS);
    }
    await runFaults(machine, agent, folder);
    const report = {
      noRoom,
      greetings,
      events,
      clockErrorMs: await clockError(agent),
      nicBefore,
      nicAfter: await readNic(agent),
      byCommand: await freezeByCommand(machine),
      consoleTail: await machine.consoleTail(),
    };
    return { ...report, ...(await killIt(machine)), linksLeft: await close(network) };
  } finally {
    await machine.kill();
  }
}

/** Whoever goes away does so in the middle of many answers, and the machine is then made ready to be saved. */
async function leaveWhileItSpeaks(machine: Machine): Promise<void> {
  const stream = await machine.openPort('hand');
  for (let seq = 0; seq < BEATS; seq += 1) stream.stdin.write(encode({ type: 'heartbeat', seq }));
  await once(stream.stdout, 'data');
  await machine.saving.settle(() => {
    stream.kill('SIGKILL');
  });
}

const at = () => ({ tMs: clock.nowMs() });

async function say(agent: AgentConnection, word: string): Promise<string> {
  return (await agent.run({ argv: ['echo', word] }, LIMITS)).stdout.trim();
}

/** Each fault is a phase: what a run would have written. */
async function runFaults(machine: Machine, agent: AgentConnection, folder: string): Promise<void> {
  const node: NodeInfo = {
    ...{ name: 'worker-1', role: 'worker', addresses: [] },
    ...{ freezes: machine.freezes, nics: machine.nics },
  };
  const faults = new ActiveFaults({
    ...{ runId: 'room', clock, kube: new FakeKube(), controller: local },
    journal: openJournal(path.join(folder, 'undo.ndjson')),
    doorTo: () => Promise.resolve({ executor: local, writeFile: () => Promise.resolve() }),
    emit: (event) => events.push(event),
  });
  const { id: trace } = await faults.start(
    traceTimers,
    traceTimers.params.parse({}),
    { node, agent },
    never,
  );
  const standstill = standstillOf(agent, tagOf('room', trace));
  for (const { name, params } of ROOM_FAULTS) {
    const phase = phaseOf({ name, params });
    events.push({ ...at(), kind: 'phase', phase, state: 'started' });
    const fault = FAULTS.find((one) => one.name === name);
    if (fault === undefined) throw new Error(`no fault ${name}`);
    const { id, over } = await faults.start(
      fault,
      fault.params.parse(params),
      { node, agent, standstill },
      never,
    );
    await over;
    await faults.undo(id);
    const isMeasured = (): boolean =>
      name !== 'freeze' || events.some(({ kind, tMs }) => MEASURES.has(kind) && tMs > startOf(id));
    await waitFor({ what: `${phase} to be measured`, timeoutMs: 10_000 }, () =>
      Promise.resolve(isMeasured() ? true : undefined),
    ).catch(() => undefined); // the checker says what is missing
    events.push({ ...at(), kind: 'phase', phase, state: 'ended' });
  }
  await faults.undoAll();
}

const MEASURES: ReadonlySet<string> = new Set(['agent-gap', 'clock-jump']);

function startOf(id: string): number {
  const isStart = (event: HistoryEvent): event is EventOf<'fault'> =>
    event.kind === 'fault' && event.id === id && event.state === 'injected';
  return events.find(isStart)?.tMs ?? 0;
}

export const ROOM_FAULTS: readonly PluginUse[] = [
  { name: 'freeze', params: { how: 'stall', for: '2s', node: 'all' } },
  { name: 'freeze', params: { how: 'suspend', for: '2s', node: 'all' } },
  { name: 'nic-reattach', params: { nic: 'eth1', for: '1s', node: 'all' } },
];

export function phaseOf({ name, params }: PluginUse): string {
  const { how } = params;
  return typeof how === 'string' ? how : name;
}

async function clockError(agent: AgentConnection): Promise<number> {
  const argv = ['/coalmine/node', '-e', 'console.log(Date.now())'] as const;
  return Math.abs(Date.now() - Number((await agent.run({ argv }, LIMITS)).stdout));
}

async function readNic(agent: AgentConnection): Promise<string> {
  return (await agent.run({ argv: ['ip', '-o', 'address', 'show', 'eth1'] }, LIMITS)).stdout;
}

async function freezeByCommand(machine: Machine): Promise<MachineReport['byCommand']> {
  const codes: MachineReport['byCommand'] = {};
  for (const [how, freeze] of Object.entries(machine.freezes)) {
    codes[how] = [];
    const { inject, verify, undo } = freeze;
    for (const command of [inject, verify.command, undo, verify.command])
      codes[how].push((await local.run(command, LIMITS)).exitCode);
  }
  return codes;
}

async function killIt(machine: Machine): Promise<Pick<MachineReport, 'died' | 'afterDeath'>> {
  process.kill(machine.pid, 'SIGKILL');
  const died = await machine.died;
  const port = await machine.openPort('agent').then(() => 'opened', messageOf);
  const verify: (number | null)[] = [];
  for (const one of [machine.freezes.suspend, machine.freezes.stall, ...machine.nics])
    if (one !== undefined) verify.push((await local.run(one.verify.command, LIMITS)).exitCode);
  const disturb = (await local.run(machine.power.reset, LIMITS)).exitCode;
  return { died, afterDeath: { port, verify, disturb } };
}

async function close(network: { close(): Promise<void> }): Promise<string[]> {
  await network.close();
  const { stdout } = await local.run({ argv: ['ip', '-json', 'link'] }, LIMITS);
  return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname);
}

const [file, image = '', folder = ''] = process.argv.slice(1);
if (file === import.meta.filename) {
  console.log(JSON.stringify(await main(JSON.parse(image) as VmImage, folder)));
  process.exit(0);
}
