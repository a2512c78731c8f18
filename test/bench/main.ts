/**
 * `make bench`: every ratio that we promise, measured here and now, one line each. A missed goal is said and is no
 * failure, for another program may be busy on this machine; a bench that cannot run is one. Arguments: names, `--json`.
 */
import { loadavg } from 'node:os';
import { agentCpu } from './agent-cpu.ts';
import { dnsGenerator } from './dns-generator.ts';
import { floodRate } from './flood.ts';
import { freshnessResolution } from './freshness.ts';
import { helpWall } from './help-wall.ts';
import { idleNode } from './idle-node.ts';
import { describeRatio, isMet, type Ratio } from './ratio.ts';
import { smokeWall } from './smoke-wall.ts';
import { stalls } from './stalls.ts';
import { vmWall } from './vm-wall.ts';

const BENCHES: Readonly<Record<string, () => Promise<Ratio[]>>> = {
  'agent-cpu': agentCpu,
  freshness: freshnessResolution,
  help: helpWall,
  dns: dnsGenerator,
  smoke: smokeWall,
  vm: vmWall,
  stalls,
  flood: floodRate,
  idle: idleNode,
};

const args = process.argv.slice(2);
const json = args.includes('--json');
const named = args.filter((arg) => arg !== '--json');
const unknown = named.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(
    `no bench named ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`,
  );
  process.exitCode = 2;
} else {
  await measure(named.length > 0 ? named : Object.keys(BENCHES));
}

async function measure(names: readonly string[]): Promise<void> {
  const measured: (Ratio & { ok: boolean | undefined })[] = [];
  for (const name of names) {
    console.error(`bench ${name}; load of the machine ${loadavg()[0]?.toFixed(1) ?? '?'}`);
    try {
      for (const ratio of (await BENCHES[name]?.()) ?? []) {
        measured.push({ ...ratio, ok: isMet(ratio) });
        if (!json) console.log(describeRatio(ratio));
      }
    } catch (error) {
      console.error(`bench ${name} could not run:`, error);
      process.exitCode = 1;
    }
  }
  if (json) console.log(JSON.stringify(measured, null, 2));
}
