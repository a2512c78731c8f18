/**
 * A run on machines by somebody who is nobody here: it becomes root in a user namespace of its own. What only root can make
 * is in the cache, and /dev/net/tun opens for everybody, as it does on most machines.
 */
import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cacheFolder, defaultCacheDir } from '../../../harness/components/cache-folder.ts';
import { createStore } from '../../../harness/components/store.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import type { RunResult } from '../../../harness/core/result.ts';
import { local } from '../../../harness/exec/local.ts';
import { demandQemu } from '../../../harness/providers/vm/accel.ts';
import { makeAhead } from '../../../harness/run/make-ahead.ts';
import { planFrom } from '../../../harness/run/plan-from.ts';
import { ROOT, startCliRun, type CliRun } from '../../support/cli.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import { suspects, traces } from '../../support/traces.ts';

const SCENARIO = path.resolve(import.meta.dirname, '../../support/one-machine.yaml');
/** What a busy machine keeps from its guest is not the question here. */
const SET = ['phases.0.for=5s', 'checks.self-noise.agentGapMax=5s'];
const NOBODY = 65_534;
const AS_NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] as const;
/** Words after it: checkout, artifacts, where both are then, a folder for the device, and the program with its own. */
const PLACES = [
  'mount --bind "$1" "$3/checkout" && mount --bind -o ro "$2" "$3/cache/coalmine/artifacts"',
  // A device of its own: the mode of the machine's must stay.
  'mount -t tmpfs none "$3/dev" && cp -a /dev/net/tun "$3/dev/tun" && chmod 666 "$3/dev/tun"',
  'mount --bind "$3/dev/tun" /dev/net/tun && cd "$3/checkout" && shift 3 && exec "$@"',
].join(' && ');

describe('a run on machines by an ordinary user', function () {
  this.timeout(600_000);
  let folder = '';
  let living: CliRun | undefined;

  before(async function () {
    if (!isRoot()) skipOrFail(this, 'only root can become somebody else');
    await demandQemu().catch((error: unknown) => skipOrFail(this, String(error)));
    if (!existsSync('/dev/net/tun')) skipOrFail(this, 'there is no /dev/net/tun');
    const argv = ['unshare', '--user', '--map-root-user', '--net', 'true'];
    const asked = await local.run({ argv: [...AS_NOBODY, '--', ...argv] }, { timeoutMs: 10_000 });
    if (asked.exitCode !== 0) skipOrFail(this, `no user namespaces for users: ${asked.stderr}`);
    const { plans } = planFrom({ scenario: SCENARIO, set: SET, provider: 'vm' });
    const context = { say: () => undefined, signal: new AbortController().signal };
    const store = createStore({ offline: process.env['CI'] !== 'true' });
    await makeAhead(plans, store, 'built', context).catch((error: unknown) => {
      if (hasCode(error, 'component')) skipOrFail(this, error.message);
      throw error;
    });
  });

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
    const own = ['reports', 'home', 'cache', 'cache/coalmine'];
    for (const name of [...own, 'cache/coalmine/artifacts', 'checkout', 'dev'])
      mkdirSync(path.join(folder, name));
    for (const name of ['.', ...own]) chownSync(path.join(folder, name), NOBODY, NOBODY);
  });

  afterEach(() => {
    if (living !== undefined && existsSync(`/proc/${living.pid}`)) living.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it('passes, and leaves nothing', async () => {
    const { artifacts } = cacheFolder(defaultCacheDir(process.env));
    const cacheHome = path.join(folder, 'cache');
    const words = [`HOME=${folder}/home`, `XDG_CACHE_HOME=${cacheHome}`, 'COALMINE_SNAPSHOTS=off'];
    const through = [
      ...['unshare', '--mount', '--', 'sh', '-c', PLACES, 'sh', ROOT, artifacts, folder],
      ...[...AS_NOBODY, '--', 'env', ...words],
    ];
    const set = SET.flatMap((one) => ['--set', one]);
    const args = [SCENARIO, '--provider', 'vm', '--offline', ...set];
    const root = path.join(folder, 'checkout');
    const run = await startCliRun(path.join(folder, 'reports'), args, { through, root });
    living = run;
    await run.event(({ kind }) => kind === 'phase');
    assert.match(readFileSync(`/proc/${run.pid}/status`, 'utf8'), /^Uid:(\t65534){4}$/m);
    const all = suspects(run.runId, path.join(cacheHome, 'coalmine'), run.pid);
    const { exitCode, stderr } = await run.ended;
    assert.equal(exitCode, 0, stderr);
    const verdict = readFileSync(path.join(run.dir, 'verdict.json'), 'utf8');
    assert.equal((JSON.parse(verdict) as RunResult).verdict, 'pass');
    assert.deepEqual(await traces(all), []);
    all.release();
  });
});
