/**
 * What a run must leave on a node as it found it, apart from what Kubernetes itself keeps changing: firewall rules, routes,
 * qdiscs, stopped processes. Read before the first fault and after the last undo; a difference is residue.
 */
import type { Command } from '../core/command.ts';
import { messageOf } from '../core/errors.ts';
import type { Recorder } from '../record/run-directory.ts';
import type { ManagedNode, Stage } from './context.ts';

const READ_MS = 20_000;

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

/** Aspect to its text as read; an aspect that this node cannot tell is absent. */
export type NodeState = ReadonlyMap<string, string>;

/** Never throws: a node that cannot be read has a state without that aspect, and says so. */
async function readNodeState(
  { node, agent }: ManagedNode,
  say: (text: string) => void,
): Promise<NodeState> {
  const state = new Map<string, string>();
  for (const { name, command } of ASPECTS) {
    try {
      const { exitCode, stdout } = await agent.run(command, { timeoutMs: READ_MS });
      if (exitCode === 0) state.set(name, stdout);
      else say(`the ${name} of ${node.name} could not be read, and are not compared`);
    } catch (error) {
      // What does not answer once would only make the end of a run wait for its limit seven times.
      say(`the ${name} of ${node.name} could not be read: ${messageOf(error)}`);
      return state;
    }
  }
  return state;
}

/** Returns one sentence for each line that came or went. Pure. */
export function residueBetween(before: NodeState, after: NodeState): string[] {
  return ASPECTS.flatMap(({ name, keep }) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === undefined || is === undefined) return [];
    const [old, now] = [linesOf(was, keep), linesOf(is, keep)];
    return [
      ...now.filter((line) => !old.includes(line)).map((line) => `${name}: new: ${line}`),
      ...old.filter((line) => !now.includes(line)).map((line) => `${name}: gone: ${line}`),
    ];
  });
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
    const text = [...state].map(([name, content]) => `=== ${name}\n${content}`).join('\n');
    recorder.writeFile(`${folder}/${managed.node.name}.txt`, text);
    return state;
  };
  const before = await Promise.all(nodes.map((managed) => take('before', managed)));
  return async () => {
    for (const [index, managed] of nodes.entries()) {
      const after = await take('after', managed);
      for (const what of residueBetween(before[index] ?? new Map(), after)) {
        emit.now({ kind: 'residue', where: managed.node.name, what });
      }
    }
  };
}
