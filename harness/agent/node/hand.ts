/** What each call of the controller does. Knows processes, files and undo records, and nothing of what they are for. */
import { CoalmineError, hasCode, messageOf } from '../../core/errors.ts';
import type { Call, Report } from '../protocol.ts';
import type { Link } from './link.ts';
import { placeFile } from './place-file.ts';
import type { Runner, Running } from './runner.ts';
import { startWatch } from './sampler.ts';
import type { UndoBook } from './undo-book.ts';

/** Goodbye and the lease are the server's business. */
type HandCall = Exclude<Call, { type: 'bye' | 'tick' }>;

export interface Hand {
  /** Never rejects: a failure is an answer. */
  answer(call: HandCall): Promise<void>;
  /** Ends all that goes on. */
  drop(): void;
}

export function createHand(runner: Runner, link: Link, book: UndoBook): Hand {
  const processes = new Map<number, Running>();
  const watches = new Map<number, () => void>();

  const keep = (id: number, running: Running): void => {
    processes.set(id, running);
    void running.ended.then(() => processes.delete(id));
  };
  async function start({ id, command }: HandCall & { type: 'start' }): Promise<void> {
    const running = runner.start(command, link, (text, stream) => {
      link.send({ type: 'line', id, stream, text });
    });
    keep(id, running);
    await running.started;
    void running.ended.then((exit) => {
      link.send({ type: 'ended', id, ...exit });
    });
  }
  async function carry(call: HandCall): Promise<Report> {
    const { id } = call;
    if (call.type === 'run') {
      const onStart = keep.bind(undefined, id);
      return { type: 'completed', id, ...(await runner.run(call.command, { ...call, onStart })) };
    }
    if (call.type === 'start') await start(call);
    else if (call.type === 'kill') processes.get(call.target)?.kill(call.signal);
    else if (call.type === 'watch') watches.set(id, startWatch(call, runner, link));
    else if (call.type === 'write-file') await placeFile(call.path, call.content, call.mode);
    else if (call.type === 'arm') await book.arm(call.record);
    else if (call.type === 'undo') {
      const { verified, problems } = await book.undo(call.record);
      if (!verified) throw new CoalmineError('undo', problems.join('; '));
    } else {
      watches.get(call.target)?.();
      watches.delete(call.target);
    }
    return { type: 'done', id };
  }
  return {
    answer: async (call) => {
      try {
        link.send(await carry(call));
      } catch (error) {
        const code = hasCode(error, 'undo') ? 'undo' : 'command';
        link.send({ type: 'failed', id: call.id, code, message: messageOf(error) });
      }
    },
    drop: () => {
      for (const stop of watches.values()) stop();
      runner.killAll();
    },
  };
}
