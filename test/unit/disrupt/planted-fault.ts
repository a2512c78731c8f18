/** A fault on the fake node: it puts one word, and is undone by taking it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { Command } from '../../../harness/core/command.ts';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { ActiveFaults, type ActiveFaultsOptions } from '../../../harness/disrupt/active.ts';
import type { Fault, FaultParams, PreparedFault } from '../../../harness/disrupt/faults/fault.ts';
import { openJournal, type UndoJournal } from '../../../harness/disrupt/journal.ts';
import type { DoorTo } from '../../../harness/disrupt/undo-door.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import type { FakeNode } from '../../support/fake-node.ts';

export interface Planted extends FaultParams {
  word: string;
}

export const PARAMS = { node: 'canary' } as const;

export function plantedFault(change: Partial<PreparedFault> = {}): Fault<Planted> {
  return {
    name: 'planted',
    params: z.strictObject({ node: z.literal('canary'), word: z.string() }),
    prepare: ({ word }, { agent }) =>
      Promise.resolve({
        where: 'node',
        inject: [argv('put', word)],
        undo: {
          undo: [argv('take', word)],
          restore: [],
          verify: { command: argv('has', word), exitCode: 1 },
          timeoutMs: 5,
        },
        felt: async () => {
          const { exitCode } = await agent.run(argv('has', word), { timeoutMs: 100 });
          return { felt: exitCode === 0, evidence: `has ${word}: exit ${exitCode ?? '?'}` };
        },
        ...change,
      }),
  };
}

export function argv(...words: [string, ...string[]]): Command {
  return { argv: words };
}

/** Opens the door to those nodes, and to a controller that is one of them. */
export function doorsTo(nodes: readonly FakeNode[]): DoorTo {
  return (where) => {
    const node = nodes.find(({ name }) => name === where);
    return Promise.resolve(
      node === undefined
        ? undefined
        : { executor: node, writeFile: (file, content) => node.writeFile(file, content) },
    );
  };
}

/** Runs `body` with a folder that is gone afterwards. */
export async function inTemporaryFolder<T>(body: (folder: string) => Promise<T> | T): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-disrupt-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface World {
  faults: ActiveFaults;
  journal: UndoJournal;
  events: HistoryEvent[];
}

/** One run's `ActiveFaults`, with its journal in `folder` and time that counts its own questions. */
export function startWorld(
  folder: string,
  controller: FakeNode,
  nodes: readonly FakeNode[],
  wrap: (journal: UndoJournal) => UndoJournal = (journal) => journal,
  more: Partial<ActiveFaultsOptions> = {},
): World {
  const events: HistoryEvent[] = [];
  const journal = wrap(openJournal(path.join(folder, 'undo.ndjson')));
  let nowMs = 0;
  const faults = new ActiveFaults({
    runId: 'r1',
    journal,
    clock: { startedAt: '', nowMs: () => (nowMs += 1) },
    kube: new FakeKube(),
    controller,
    doorTo: doorsTo([controller, ...nodes]),
    emit: (event) => events.push(event),
    ...more,
  });
  return { faults, journal, events };
}
