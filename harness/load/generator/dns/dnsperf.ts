/**
 * The real dnsperf at a fixed rate. It leaves timeouts out of its latencies (DNS-OARC/dnsperf#262), so its verbose lines
 * are counted here, and each timeout as at least its own length.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Tally } from '../tally.ts';
import type { Work } from '../work.ts';
import { readDnsperfLine } from './dnsperf-output.ts';
import { untilAnswered, type DnsServer } from './server.ts';

export interface DnsperfOptions {
  server: DnsServer;
  names: readonly string[];
  queriesPerSecond: number;
  timeoutMs: number;
  program: string;
}

/** Without a time, dnsperf goes through its queries once. */
const FOREVER_S = '31536000';

/** dnsperf stops sending when this many are unanswered; the default of 100 would turn an outage into silence. */
function outstandingMax(options: DnsperfOptions): number {
  const inOneTimeout = (options.queriesPerSecond * options.timeoutMs) / 1_000;
  return Math.min(65_000, Math.max(100, Math.ceil(2 * inOneTimeout)));
}

export function dnsperf(options: DnsperfOptions): Work {
  const [firstName] = options.names;
  if (firstName === undefined) throw new Error('no names to ask for');
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-dnsperf-'));
  const queries = path.join(folder, 'queries');
  let child: ChildProcess | undefined;
  let hasExited = false;
  let interrupted = 0;
  let onBroken: (reason: string) => void = () => undefined;
  const broken = new Promise<string>((resolve) => {
    onBroken = resolve;
  });

  const start = (tally: Tally): void => {
    const { server } = options;
    child = spawn(
      options.program,
      [
        ['-s', server.address, '-p', String(server.port), '-d', queries, '-v', '-W'],
        ['-t', String(options.timeoutMs / 1_000), '-Q', String(options.queriesPerSecond)],
        ['-q', String(outstandingMax(options)), '-l', FOREVER_S],
      ].flat(),
      // Its own group, so that a SIGTERM for ours does not end it before it said what it knows.
      { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    );
    child.once('error', (error) => {
      hasExited = true;
      onBroken(`dnsperf could not be started: ${error.message}`);
    });
    child.once('close', (code, signal) => {
      hasExited = true;
      onBroken(`dnsperf ended by itself (exit code ${code ?? '?'}, signal ${signal ?? 'none'})`);
    });
    if (child.stdout === null) throw new Error('dnsperf has no standard output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const read = readDnsperfLine(line);
      if (read.kind === 'timeout') tally.timeout(options.timeoutMs);
      else if (read.kind === 'answer' && read.rcode === 'NOERROR') tally.ok(read.latencyMs);
      else if (read.kind === 'interrupted') interrupted += 1;
      else if (read.kind === 'answer') tally.error(read.rcode, read.latencyMs);
    });
  };

  return {
    broken,
    async warmUp(withinMs) {
      const lines = options.names.flatMap((name) => [`${name} A`, `${name} AAAA`]);
      writeFileSync(queries, `${lines.join('\n')}\n`);
      return untilAnswered(options.server, firstName, withinMs);
    },
    start,
    /** dnsperf cannot stop sending and go on listening: what is in flight at its end is in no line. */
    stopSending() {
      child?.kill('SIGINT');
    },
    isDrained: () => hasExited,
    unfinished: () => interrupted,
    close() {
      child?.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
