/**
 * The load generator: a program of its own for what no tool does, bundled into one file and run in pods.
 * `node generator.mjs dns-pairs --names a.example --rate 50`; one JSON line an interval on stdout (../lines.ts).
 */
import { dnsperf } from './dns/dnsperf.ts';
import { getaddrinfo } from './dns/getaddrinfo.ts';
import { DnsPairs } from './dns/pairs.ts';
import { dnsServer } from './dns/server.ts';
import { echo } from './flow/echo.ts';
import { HeldConnections } from './flow/hold.ts';
import { readArguments, UsageError, type Arguments } from './options.ts';
import { live } from './program.ts';
import type { Work } from './work.ts';

const LIFE = ['timeout-ms', 'ready-within-ms', 'duration-ms'];
const TIMEOUT_MS = 5_000;
const READY_WITHIN_MS = 60_000;
/** Pairs in flight at full speed: 100 queries, as dnsperf has by default. */
const FULL_SPEED_PAIRS = 50;

/** Room for all that can be unanswered at this rate, twice: an outage must not turn into silence. */
function roomFor(ratePerSecond: number, timeoutMs: number): number {
  return Math.max(100, Math.ceil((2 * ratePerSecond * timeoutMs) / 1_000));
}

interface Subcommand {
  options: readonly string[];
  work(given: Arguments, timeoutMs: number): Work;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  'dns-pairs': {
    options: ['names', 'server', 'rate', 'sockets', 'concurrency'],
    work(given, timeoutMs) {
      const rate = given.number('rate');
      const room = rate === 0 ? FULL_SPEED_PAIRS : roomFor(rate, timeoutMs);
      return new DnsPairs({
        server: dnsServer(given.text('server')),
        names: given.list('names'),
        pairsPerSecond: rate,
        timeoutMs,
        sockets: given.oneOf('sockets', ['rotate', 'fixed']),
        concurrency: given.number('concurrency', room),
      });
    },
  },
  getaddrinfo: {
    options: ['names', 'rate', 'concurrency'],
    work(given, timeoutMs) {
      const rate = given.number('rate');
      return getaddrinfo({
        names: given.list('names'),
        lookupsPerSecond: rate,
        timeoutMs,
        concurrency: given.number('concurrency', roomFor(rate, timeoutMs)),
      });
    },
  },
  dnsperf: {
    options: ['names', 'server', 'rate', 'program'],
    work: (given, timeoutMs) =>
      dnsperf({
        server: dnsServer(given.text('server')),
        names: given.list('names'),
        queriesPerSecond: given.number('rate'),
        timeoutMs,
        program: given.text('program') ?? 'dnsperf',
      }),
  },
  hold: {
    options: ['host', 'port', 'count', 'every-ms', 'reopen'],
    work: (given, timeoutMs) =>
      new HeldConnections({
        host: given.list('host')[0],
        port: given.number('port'),
        count: given.number('count'),
        everyMs: given.number('every-ms', 1_000),
        timeoutMs,
        reopen: given.oneOf('reopen', ['no', 'yes']) === 'yes',
      }),
  },
};

async function main(name: string | undefined, argv: readonly string[]): Promise<number> {
  if (name === 'echo') {
    const given = readArguments(argv, ['port', 'linger-ms']);
    return echo({ port: given.number('port'), lingerMs: given.number('linger-ms', 5_000) });
  }
  const subcommand = SUBCOMMANDS[name ?? ''];
  if (name === undefined || subcommand === undefined)
    throw new UsageError(`first say what: ${[...Object.keys(SUBCOMMANDS), 'echo'].join(', ')}`);
  const given = readArguments(argv, [...LIFE, ...subcommand.options]);
  const timeoutMs = given.number('timeout-ms', TIMEOUT_MS);
  return live(subcommand.work(given, timeoutMs), {
    load: name,
    timeoutMs,
    readyWithinMs: given.number('ready-within-ms', READY_WITHIN_MS),
    durationMs: given.optionalNumber('duration-ms'),
  });
}

const [name, ...argv] = process.argv.slice(2);
try {
  const exitCode = await main(name, argv);
  // A lookup that hangs in the thread pool must not keep the process alive after its end line is written; and a full
  // pipe must not cost that line.
  process.stdout.write('', () => process.exit(exitCode));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`generator: ${error.message}\n`);
  process.exit(2);
}
