/**
 * A small node with state: a set of words that its commands change and ask about. `put W`, `take W`, `has W` (exit 0 or 1).
 * Words under `stuck` cannot be taken. It holds undo records like an agent, and can be made to die at a chosen step.
 */
import { carryOut } from '../../harness/core/carry-out.ts';
import type { Command, Completed } from '../../harness/core/command.ts';
import { CoalmineError } from '../../harness/core/errors.ts';
import type { NodeAgent, NodeInfo } from '../../harness/core/node.ts';
import type { UndoRecord } from '../../harness/core/undo.ts';

export class FakeNode {
  readonly name: string;
  readonly words = new Set<string>();
  readonly stuck = new Set<string>();
  readonly files = new Map<string, string>();
  readonly argvs: string[] = [];
  /** By how much its clock is behind ours. */
  behindMs = 0;
  readonly held = new Map<string, UndoRecord>();
  /** Called before each step; what it throws is thrown by the step. */
  onStep: (step: string) => void = () => undefined;
  /** Other programs than the three, by their first word: argv to stdout, an exit code, or null where a signal ended it. */
  readonly programs = new Map<string, (argv: readonly string[]) => string | number | null>();

  constructor(name: string) {
    this.name = name;
  }

  get info(): NodeInfo {
    return { name: this.name, role: 'worker', addresses: ['10.0.0.1'] };
  }

  run(command: Command): Promise<Completed> {
    return Promise.resolve().then(() => {
      this.onStep(command.argv.join(' '));
      return this.act(command);
    });
  }

  act({ argv }: Command): Completed {
    this.argvs.push(argv.join(' '));
    const [verb, word = ''] = argv;
    const program = this.programs.get(verb);
    if (program !== undefined) {
      const answer = program(argv);
      return typeof answer === 'string' ? done(0, answer) : done(answer);
    }
    switch (verb) {
      case 'put':
        this.words.add(word);
        return done(0);
      case 'take':
        if (!this.stuck.has(word)) this.words.delete(word);
        return done(0);
      case 'has':
        return done(this.words.has(word) ? 0 : 1);
      default:
        return done(127);
    }
  }

  /** The node as its agent shows it. */
  get agent(): NodeAgent {
    const unused = (): never => {
      throw new Error('not part of this fake');
    };
    return {
      name: this.name,
      run: (command) => this.run(command),
      watch: unused,
      start: unused,
      wallToRunMs: unused,
      heardMs: unused,
      behind: () => Promise.resolve({ ms: this.behindMs, errorMs: 5 }),
      tickEvery: () => Promise.resolve(),
      writeFile: (path, content) => this.writeFile(path, content),
      arm: (record) =>
        Promise.resolve().then(() => {
          this.onStep(`arm ${record.id}`);
          this.held.set(record.id, record);
        }),
      undo: async (id) => {
        this.onStep(`undo ${id}`);
        const record = this.held.get(id);
        if (record === undefined) throw new CoalmineError('undo', `no record ${id}`);
        const { verified, problems } = await carryOut(record, this, (path, content) =>
          this.writeFile(path, content),
        );
        if (!verified) throw new CoalmineError('undo', problems.join('; '));
        this.held.delete(id);
      },
    };
  }

  writeFile(path: string, content: string): Promise<void> {
    this.onStep(`write ${path}`);
    this.files.set(path, content);
    return Promise.resolve();
  }
}

function done(exitCode: number | null, stdout = ''): Completed {
  return { exitCode, signal: exitCode === null ? 'SIGTERM' : null, stdout, stderr: '' };
}
