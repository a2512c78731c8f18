/**
 * The streams to the agents of a machine. A stream can be held for somebody who comes later: the machine sees a host that
 * is connected, and starts the agent, which waits for our first word.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { CoalmineError } from '../../core/errors.ts';
import type { AgentProcess } from '../provider.ts';
import type { Life, PortName } from './machine.ts';
import { portDevice } from './qemu.ts';
import { nextEvent, type Qmp, type QmpEvent } from './qmp.ts';

export interface MachinePorts {
  /** The stream that is held, or a new one; the one before on the same port must have ended. */
  open(port: PortName): Promise<AgentProcess>;
  /** Connects, and keeps the stream for whoever opens the port next. */
  hold(port: PortName): Promise<void>;
  /** Ends the stream by `close`, and resolves once the next agent's place on the port is taken. */
  renew(port: PortName, close: () => void): Promise<void>;
}

const RENEW_MS = 30_000;

export function machinePorts(options: {
  name: string;
  paths: Readonly<Record<PortName, string>>;
  qmp: Qmp;
  life: Pick<Life, 'isOver' | 'died'>;
}): MachinePorts {
  const { name, paths, qmp, life } = options;
  const held = new Map<PortName, AgentProcess>();

  async function open(port: PortName): Promise<AgentProcess> {
    const ready = held.get(port);
    held.delete(port);
    if (ready !== undefined) return ready;
    if (life.isOver()) throw new CoalmineError('agent', await life.died);
    const socket: Socket = connect({ path: paths[port], allowHalfOpen: false });
    try {
      await once(socket, 'connect');
    } catch (cause) {
      const text = `the port ${paths[port]} of ${name} cannot be reached`;
      throw new CoalmineError('agent', text, { cause });
    }
    return streamOf(socket, port, qmp);
  }
  return {
    open,
    hold: async (port) => {
      const stream = await open(port);
      held.set(port, stream);
      void stream.ended.then(() => {
        if (held.get(port) === stream) held.delete(port);
      });
    },
    renew: async (port, close) => {
      const what = `the agent on the port ${port} of ${name} to make room for the next`;
      const opened = nextEvent(qmp, (event) => isPort(event, port, true), {
        what,
        timeoutMs: RENEW_MS,
      });
      close();
      await opened;
    },
  };
}

function streamOf(socket: Socket, port: PortName, qmp: Qmp): AgentProcess {
  socket.on('error', () => undefined);
  // An agent that ended, or whose machine was reset, has forgotten us, and the socket is QEMU's, which does not close it:
  // the next agent must not meet our old stream.
  const stop = qmp.onEvent((event) => {
    if (event.event === 'RESET' || isPort(event, port, false)) socket.destroy();
  });
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => {
      stop();
      resolve();
    });
  });
  return {
    stdin: socket,
    stdout: socket,
    ended,
    kill: () => {
      socket.destroy();
    },
  };
}

function isPort({ event, data }: QmpEvent, port: PortName, open: boolean): boolean {
  return event === 'VSERPORT_CHANGE' && data['id'] === portDevice(port) && data['open'] === open;
}
