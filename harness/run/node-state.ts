/**
 * What a run must leave on a node as it found it, apart from what Kubernetes itself keeps changing: firewall rules, routes,
 * qdiscs, stopped processes. Read before the first fault and after the last undo; a difference is residue.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from '../core/command.ts';
import { CoalmineError, hasCode, messageOf } from '../core/errors.ts';
import type { Recorder } from '../record/run-directory.ts';
import type { ManagedNode, Stage } from './context.ts';

const READ_MS = 20_000;
/** After which what only was on its way is over. */
const AGAIN_MS = 1_000;

interface Aspect {
  readonly name: string;
  readonly command: Command;
  /** Keeps the lines that nobody but a fault changes. Pure. */
  readonly keep: (line: string) => boolean;
}

/** Pods come and go with a veth each, and with a route and CNI's chains of its own. */
const OF_PODS = /\bveth\w+|\bCNI-/;

const ASPECTS: readonly Aspect[] = [
  { name: 'iptables', command: { argv: ['iptables-save'] }, keep: isForeignRule },
  { name: 'ip6tables', command: { argv: ['ip6tables-save'] }, keep: isForeignRule },
  {
    name: 'nft tables',
    command: { argv: ['nft', 'list', 'tables'] },
    // kube-proxy's own; and iptables-nft makes its tables when it first needs them.
    keep: (line) => !/ kube-proxy$| (filter|nat|mangle|raw|security)$/.test(line),
  },
  { name: 'routes', command: { argv: ['ip', 'route', 'show', 'table', 'all'] }, keep: isNodeRoute },
  { name: 'rules', command: { argv: ['ip', 'rule', 'show'] }, keep: () => true },
  {
    name: 'qdiscs',
    command: { argv: ['tc', 'qdisc', 'show'] },
    keep: (line) => !OF_PODS.test(line),
  },
  {
    name: 'stopped processes',
    command: { argv: ['ps', '-e', '-o', 'stat=,pid=,comm='] },
    keep: (line) => line.startsWith('T'),
  },
];

function isForeignRule(line: string): boolean {
  return line.startsWith('-A ') && !/\bKUBE-/.test(line) && !OF_PODS.test(line);
}

function isNodeRoute(line: string): boolean {
  return !OF_PODS.test(line) && !/\bdev kube-ipvs0\b/.test(line);
}

/**
 * Aspect to its text as read. `cannot tell` is a node without that tool; an aspect that is absent should have been read,
 * and the node did not answer, or not with all of it.
 */
export type NodeState = ReadonlyMap<string, string | typeof CANNOT_TELL>;
const CANNOT_TELL = Symbol('cannot tell');

/** Never throws: a node that cannot be read has a state without that aspect, and says so. */
async function readNodeState(
  { node, agent }: ManagedNode,
  say: (text: string) => void,
): Promise<NodeState> {
  const state = new Map<string, string | typeof CANNOT_TELL>();
  const read = async (aspects: readonly Aspect[]): Promise<void> => {
    const { stdout } = await agent.run(inOne(aspects), { timeoutMs: READ_MS });
    for (const [name, text] of partsOf(aspects, stdout)) {
      state.set(name, text);
      if (text === CANNOT_TELL)
        say(`the ${name} of ${node.name} cannot be read, and are not compared`);
    }
  };
  const complain = (what: string, error: unknown): void => {
    say(`the ${what} of ${node.name} could not be read: ${messageOf(error)}`);
  };
  try {
    await read(ASPECTS);
  } catch (error) {
    if (hasCode(error, 'agent')) complain('state', error);
    // One that prints too much, or takes too long, does not keep the others from being read.
    else
      for (const aspect of ASPECTS)
        await read([aspect]).catch((alone: unknown) => {
          complain(aspect.name, alone);
        });
  }
  return state;
}

const ENDED = '=== ended';

/** One after the other in one shell: each command that an agent starts costs a node without KVM some 50 ms. */
function inOne(aspects: readonly Aspect[]): Command {
  const each = aspects.map(
    ({ command: { argv } }) => `${argv.join(' ')}; printf '\\n%s %d\\n' '${ENDED}' $?`,
  );
  return { argv: ['sh', '-c', each.join('\n')] };
}

/** Pure. Throws `command` where the shell did not come to its end. */
function partsOf(
  aspects: readonly Aspect[],
  printed: string,
): [string, string | typeof CANNOT_TELL][] {
  const parts = printed.split(new RegExp(`\\n${ENDED} (\\d+)\\n`));
  return aspects.map(({ name }, index) => {
    const [text, exitCode] = parts.slice(2 * index);
    if (text === undefined || exitCode === undefined)
      throw new CoalmineError('command', `nothing was printed of its ${name}`);
    return [name, exitCode === '0' ? text : CANNOT_TELL];
  });
}

export interface NodeComparison {
  readonly compared: string[];
  /** What could be read before and not after, or should have been before. */
  readonly missing: string[];
  /** One sentence for each line that came or went. */
  readonly residue: string[];
}

/** Pure. */
export function compareNode(before: NodeState, after: NodeState): NodeComparison {
  const comparison: NodeComparison = { compared: [], missing: [], residue: [] };
  for (const { name, keep } of ASPECTS) {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === CANNOT_TELL) continue;
    if (typeof was !== 'string' || typeof is !== 'string') {
      comparison.missing.push(name);
      continue;
    }
    comparison.compared.push(name);
    comparison.residue.push(
      ...differences(linesOf(was, keep), linesOf(is, keep)).map((what) => `${name}: ${what}`),
    );
  }
  return comparison;
}

/** Lines are counted: a rule that is there twice afterwards is residue too. */
function differences(old: readonly string[], now: readonly string[]): string[] {
  const [was, is] = [countsOf(old), countsOf(now)];
  const describe = (line: string, change: number, others: number, [all, part]: [string, string]) =>
    others === 0 ? `${all}: ${line}` : `${change} ${part}: ${line}`;
  return [
    ...[...is].flatMap(([line, count]) => {
      const before = was.get(line) ?? 0;
      return count > before ? [describe(line, count - before, before, ['new', 'more'])] : [];
    }),
    ...[...was].flatMap(([line, count]) => {
      const after = is.get(line) ?? 0;
      return count > after ? [describe(line, count - after, after, ['gone', 'fewer'])] : [];
    }),
  ];
}

function countsOf(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

function linesOf(text: string, keep: (line: string) => boolean): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^\[\d+:\d+\] /, '').trimEnd())
    .filter((line) => line !== '' && keep(line));
}

/** Records the state of every node in `before/`; the returned function compares with it and records `after/`. */
export async function snapshotNodes(
  { nodes, emit }: Pick<Stage, 'nodes' | 'emit'>,
  recorder: Pick<Recorder, 'writeFile'>,
): Promise<() => Promise<void>> {
  const note = (text: string): void => {
    emit.now({ kind: 'note', text });
  };
  const take = async (folder: string, managed: ManagedNode): Promise<NodeState> => {
    const state = await readNodeState(managed, note);
    const text = [...state]
      .map(
        ([name, content]) =>
          `=== ${name}\n${typeof content === 'string' ? content : 'cannot be read here\n'}`,
      )
      .join('\n');
    recorder.writeFile(`${folder}/${managed.node.name}.txt`, text);
    return state;
  };
  const before = await Promise.all(nodes.map((managed) => take('before', managed)));
  // The link of a pod that goes while `ip` lists its routes has no name any more (`dev if6`): what is left is there later, too.
  const compare = async (managed: ManagedNode, was: NodeState): Promise<NodeComparison> => {
    const first = compareNode(was, await take('after', managed));
    if (first.residue.length === 0) return first;
    await delay(AGAIN_MS);
    const again = compareNode(was, await take('after', managed));
    return again.missing.length > first.missing.length ? first : again;
  };
  return async () => {
    const comparisons = await Promise.all(
      nodes.map((managed, index) => compare(managed, before[index] ?? new Map())),
    );
    for (const [index, { residue, ...proof }] of comparisons.entries()) {
      const node = nodes[index]?.node.name ?? '';
      for (const what of residue) emit.now({ kind: 'residue', where: node, what });
      emit.now({ kind: 'node-compared', node, ...proof });
    }
  };
}
