/**
 * Reads /proc/net/ip_vs: the virtual servers of one network namespace, of both families, and the real servers behind
 * them. A file, so that reading it costs a node no process; `ipvsadm-save` leaves the connections out.
 */
import { SocketAddress } from 'node:net';

export const IP_VS_FILE = '/proc/net/ip_vs';

export interface RealServer {
  address: string;
  port: number;
  /** 0: it drains. Connections that it has go on; none is given to it. */
  weight: number;
  activeConn: number;
  inActConn: number;
}

export interface VirtualServer {
  protocol: 'TCP' | 'UDP' | 'SCTP';
  address: string;
  port: number;
  /** `rr`, with the flags that follow it. */
  scheduler: string;
  realServers: RealServer[];
}

/** `IP Virtual Server version 1.2.1 (size=4096)` and the names of the columns. */
const HEAD = /^IP Virtual Server version [^\n]*\nProt [^\n]*\n {2}-> [^\n]*\n/;
const SERVICE = /^(TCP|UDP|SCTP) {2}(\S+):([0-9A-F]{4}) (.*)$/;
/** Virtual servers by firewall mark have no address; kube-proxy makes none. */
const BY_MARK = /^FWM {2}/;
const SERVER = /^ {2}-> (\S+):([0-9A-F]{4}) +\S+ +(-?\d+) +(-?\d+) +(-?\d+) *$/;

/** Returns undefined where the text is cut off or holds a line that is none: then nothing is known. */
export function parseIpVs(text: string): VirtualServer[] | undefined {
  const head = HEAD.exec(text)?.[0];
  if (head === undefined || !text.endsWith('\n')) return undefined;
  const found: VirtualServer[] = [];
  let current: VirtualServer | undefined;
  for (const line of text.slice(head.length).split('\n').slice(0, -1)) {
    if (line.startsWith('  ')) {
      const server = readServer(line);
      if (server === undefined) return undefined;
      current?.realServers.push(server);
      continue;
    }
    current = readService(line);
    if (current !== undefined) found.push(current);
    else if (!BY_MARK.test(line)) return undefined;
  }
  return found;
}

function readService(line: string): VirtualServer | undefined {
  const [, protocol, host = '', port = '', scheduler = ''] = SERVICE.exec(line) ?? [];
  const address = readAddress(host);
  if (protocol === undefined || address === undefined) return undefined;
  return {
    protocol: protocol as VirtualServer['protocol'],
    address,
    port: Number.parseInt(port, 16),
    scheduler: scheduler.trim(),
    realServers: [],
  };
}

function readServer(line: string): RealServer | undefined {
  const [, host = '', port = '', weight, active, inactive] = SERVER.exec(line) ?? [];
  const address = readAddress(host);
  if (weight === undefined || address === undefined) return undefined;
  return {
    address,
    port: Number.parseInt(port, 16),
    weight: Number(weight),
    activeConn: Number(active),
    inActConn: Number(inactive),
  };
}

/** `0A60000A` is 10.96.0.10; IPv6 is written out in brackets. */
function readAddress(word: string): string | undefined {
  if (/^[0-9A-F]{8}$/.test(word))
    return [0, 2, 4, 6].map((at) => Number.parseInt(word.slice(at, at + 2), 16)).join('.');
  if (!/^\[(?:[0-9a-f]{4}:){7}[0-9a-f]{4}\]$/.test(word)) return undefined;
  return new SocketAddress({ address: word.slice(1, -1), family: 'ipv6' }).address;
}
