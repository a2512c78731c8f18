/**
 * A program, started by `unshare --net --mount`: gives the namespaces a resolv.conf (one second for a try) and a DNS server
 * that loses an AAAA query of each lossy lookup once, runs the generator in them, and prints how many losses were planted
 * and for how long the server itself stood still.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { local } from '../../harness/exec/local.ts';
import { watchStalls } from '../../harness/load/generator/stall.ts';
import { dnsResponder } from './dns-responder.ts';
import { startGenerator } from './load-program.ts';

const [timeoutMs = '5000'] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-room-'));
try {
  const resolvConf = path.join(folder, 'resolv.conf');
  const nsswitch = path.join(folder, 'nsswitch.conf');
  writeFileSync(resolvConf, 'nameserver 127.0.0.1\noptions timeout:1 attempts:3\n');
  writeFileSync(nsswitch, 'hosts: files dns\n');
  for (const argv of [
    ['ip', 'link', 'set', 'lo', 'up'],
    ['mount', '--bind', resolvConf, '/etc/resolv.conf'],
    ['mount', '--bind', nsswitch, '/etc/nsswitch.conf'],
  ] as [string, ...string[]][])
    await runOrThrow(local, { argv }, { timeoutMs: 5_000 });

  let planted = 0;
  const server = await dnsResponder(
    ({ name, type, nth }) => {
      // The first try is lost, the second is answered; lossy lookups are too rare to overlap.
      if (name !== 'lossy.test' || type !== 'AAAA' || nth % 2 === 1) return {};
      planted += 1;
      return 'drop';
    },
    { port: 53 },
  );
  const stalls = watchStalls();
  const run = startGenerator([
    ...['getaddrinfo', '--names', 'calm.test,calm.test,calm.test,lossy.test', '--rate', '2'],
    ...['--timeout-ms', timeoutMs, '--duration-ms', '6000'],
  ]);
  const exitCode = await run.exit();
  for (const line of run.lines) console.log(JSON.stringify(line));
  console.log([...run.talk, JSON.stringify({ planted, stallMs: stalls.takeMs() })].join('\n'));
  stalls.stop();
  await server.close();
  process.exitCode = exitCode ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
