/**
 * What is wrong is said in one clear message with its place or its way out, with the right exit code, nothing on stdout,
 * and nothing made: through the real CLI, on this machine as it is and as others are.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { defaultCacheDir } from '../../../harness/components/cache-folder.ts';
import { findEngine } from '../../../harness/providers/kind/engine-find.ts';
import { proxyModeRefusal } from '../../../harness/providers/kind/engine-preflight.ts';
import { demandQemu } from '../../../harness/providers/vm/accel.ts';
import { QEMU } from '../../../harness/providers/vm/qemu.ts';
import { coalmine, ROOT, type CliOptions, type Ended } from '../../support/cli.ts';
import { isRoot, notHere, skipOrFail } from '../../support/real.ts';

const GOOD =
  'name: good\nwhy: a test\nphases:\n  - { name: idle, for: 1s }\nchecks:\n  drop-count: {}\n';
/** Each list holds the one before it nine times. */
const BOMB = Array.from({ length: 10 }, (_, level) =>
  level === 0 ? 'a0: &a0 [x, x]\n' : `a${level}: &a${level} [${`*a${level - 1}, `.repeat(9)}x]\n`,
).join('');

describe('bad input', function () {
  this.timeout(180_000);
  let folder = '';
  let reports = '';

  before(function () {
    if (process.platform !== 'linux') skipOrFail(this, 'this is not Linux');
  });

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
    reports = path.join(folder, 'reports');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function write(text: string): string {
    const file = path.join(folder, 'own.yaml');
    writeFileSync(file, text);
    return file;
  }

  /** Runs a scenario that must be refused; returns what was said. */
  async function refused(
    exitCode: number,
    args: readonly string[],
    options: CliOptions = {},
  ): Promise<string> {
    const before = made();
    const reportsOption = args.includes('--reports') ? [] : ['--reports', reports];
    const ended = await coalmine(['run', ...args, ...reportsOption], options);
    assert.equal(ended.exitCode, exitCode, ended.stderr);
    assert.equal(ended.stdout, '');
    assert.doesNotMatch(ended.stderr, /\n\s+at |internal error/, 'no stack');
    assert.equal(ended.stderr.split('coalmine: ').length, 2, `one message:\n${ended.stderr}`);
    assert.doesNotMatch(ended.stderr, /starting a private one/, 'no engine');
    assert.deepEqual(made(), before, 'nothing is made');
    return ended.stderr;
  }

  /** Run directories, and whatever else may come where the test looks; the cache may fill. */
  function made(): string[] {
    return readdirSync(folder).filter((name) => name !== 'own.yaml' && name !== 'cache');
  }

  for (const [what, text, message] of [
    [
      'an unknown key',
      GOOD.replace('why:', 'nodez: 1\nwhy:'),
      /own\.yaml:2:1: nodez: .*allowed here: name, why/,
    ],
    ['a wrong unit', GOOD.replace('1s', '1parsec'), /own\.yaml:4:19: phases\.0\.for: .*1parsec/],
    ['a duplicate key', `${GOOD}why: again\n`, /own\.yaml:7:1: .*unique/],
    ['a YAML bomb', `${GOOD}${BOMB}`, /own\.yaml:1:1: .*50 aliases/],
    ['no mapping', '- 1\n', /own\.yaml:1:1: a scenario is a mapping/],
    ['broken YAML', 'name: [\n', /own\.yaml:2:1: /],
  ] as const)
    it(`names the place of ${what}`, async () => {
      assert.match(await refused(2, [write(text)]), message);
    });

  it('says which file is missing, and which scenarios there are', async () => {
    assert.match(await refused(2, [path.join(folder, 'none.yaml')]), /none\.yaml.*no such file/);
    assert.match(await refused(2, ['nosuch']), /no scenario named nosuch\n.*upgrade-smoke/);
  });

  it('says which word of --set is wrong', async () => {
    assert.match(
      await refused(2, ['upgrade-smoke', '--set', 'kube-proxy=v1']),
      /--set kube-proxy=v1: .*without a leading v/,
    );
    assert.match(
      await refused(2, ['upgrade-smoke', '--set', 'nodes']),
      /--set nodes: expected PATH=VALUE/,
    );
    assert.match(await refused(2, ['upgrade-smoke', '--sett']), /Unknown argument: sett/);
  });

  it('refuses a kernel that no release has, and names those that there are', async () => {
    assert.match(
      await refused(4, [write(GOOD), '--provider', 'vm', '--set', 'kernel=4.19']),
      /vm: no Debian release ships kernel 4\.19; there are 5\.10, 6\.1, 6\.12/,
    );
  });

  it('refuses a QEMU on which kernel 6.12 would panic, and says so', async function () {
    if (!isRoot()) skipOrFail(this, 'where namespaces cannot be made, that is said first');
    const shims = path.join(folder, 'cache');
    mkdirSync(shims);
    const old = '#!/bin/sh\necho QEMU emulator version 7.2.0\n';
    writeFileSync(path.join(shims, QEMU), old, { mode: 0o755 });
    const env = { PATH: `${shims}:${process.env['PATH'] ?? ''}` };
    assert.match(
      await refused(4, [write(GOOD), '--provider', 'vm', '--set', 'kernel=6.12'], { env }),
      /QEMU 7\.2\.0 is too old: 10\.0 or newer.*kernel 6\.12 panic.*\n.*coalmine setup/,
    );
  });

  it('says how much room the disks of machines need, and where', async function () {
    if (!isRoot()) skipOrFail(this, 'a small disk is mounted by root');
    await demandQemu().catch((error: unknown) => skipOrFail(this, String(error)));
    const env = { TMPDIR: path.join(folder, 'cache') };
    mkdirSync(env.TMPDIR);
    const through = smallDisk(env.TMPDIR);
    assert.match(
      await refused(4, [write(GOOD), '--provider', 'vm', '--set', 'nodes=3'], { env, through }),
      /disks of the nodes need about 1\.6 GB in \S+cache, and there are [\d.]+ MB\n.*set TMPDIR/,
    );
  });

  describe('on this machine', () => {
    let engine: 'user' | 'private';

    before(async function () {
      const choice = await findEngine({ cacheDir: defaultCacheDir(process.env) }).catch(
        (error: unknown) => skipOrFail(this, String(error)),
      );
      engine = choice.kind;
    });

    it('knows a version that does not exist before it builds any other', async () => {
      const env = { XDG_CACHE_HOME: path.join(folder, 'cache') };
      const said = await refused(4, ['upgrade-smoke', '--set', 'kube-proxy=1.34.99'], { env });
      assert.match(
        said,
        /coalmine: kube-proxy 1\.34\.99 cannot be had: cache: .*release: .*module: /,
      );
      assert.doesNotMatch(said, /\[1 of /);
      assert.deepEqual(artifactsIn(env.XDG_CACHE_HOME), []);
    });

    it('needs something in the cache for --offline', async () => {
      const env = { XDG_CACHE_HOME: path.join(folder, 'cache') };
      assert.match(
        await refused(4, ['upgrade-smoke', '--offline'], { env }),
        /switched off by --offline\n.*coalmine setup/,
      );
    });

    it('refuses a proxy mode that the kernel lacks', async function () {
      if ((await proxyModeRefusal('ipvs')) === undefined)
        return notHere(this, 'this kernel lacks no proxy mode');
      assert.match(
        await refused(4, ['upgrade-smoke', '--provider', 'kind', '--set', 'proxyMode=ipvs']),
        /kernel, which has no ip_vs/,
      );
    });

    it('keeps only what can be kept', async function () {
      if (engine === 'user') return notHere(this, 'a Docker engine answers');
      assert.match(
        await refused(2, ['upgrade-smoke', '--keep', 'always']),
        /Docker engine of your own.*\n.*Leave --keep out/,
      );
      assert.match(
        await refused(4, ['upgrade-smoke', '--reports', '/run/reports']),
        /would be lost.*\n.*--reports DIR/,
      );
    });

    it('says where no reports can be written', async () => {
      const file = write(GOOD);
      for (const place of [path.join(file, 'below'), '/proc/1/reports'])
        assert.match(
          await refused(4, ['upgrade-smoke', '--reports', place]),
          /cannot write reports to .*\n.*--reports DIR/,
        );
    });

    it('says how much disk is needed and there, before anything is built', async function () {
      if (!isRoot()) skipOrFail(this, 'a small disk is mounted by root');
      const cache = path.join(folder, 'cache');
      mkdirSync(cache);
      const through = smallDisk(cache);
      const said = await refused(4, ['upgrade-smoke'], { through, env: { XDG_CACHE_HOME: cache } });
      assert.match(
        said,
        /needs about [\d.]+ GB free in .*cache\/coalmine\S*, and there are [\d.]+ MB/,
      );
      assert.match(said, /\n(free some space|.*XDG_CACHE_HOME)/);
    });
  });

  it('says what is missing where there is no Docker and no root', async function () {
    if (!isRoot()) skipOrFail(this, 'only root can become somebody else');
    chmodSync(folder, 0o777);
    // The checkout may lie where only root can go.
    const root = path.join(folder, 'cache', 'checkout');
    mkdirSync(root, { recursive: true });
    const there = 'mount --bind "$0" "$1" && cd "$1" && shift && exec "$@"';
    const through = [
      ...['unshare', '--mount', '--', 'sh', '-c', there, ROOT, root],
      ...['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'],
    ];
    // An engine that this machine may have is none for somebody who may not use it.
    const env = {
      HOME: folder,
      XDG_CACHE_HOME: path.join(folder, 'cache', 'own'),
      DOCKER_HOST: `unix://${folder}/none.sock`,
    };
    const said = await refused(4, ['upgrade-smoke'], { through, env, root });
    assert.match(
      said,
      /no Docker engine: none answers \(.+\), and a private one is not possible: .*this is not root/,
    );
    assert.match(said, /\nstart or install Docker.*coalmine setup/);
  });
});

describe('commands that need nothing', function () {
  this.timeout(120_000);
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function passes(...args: string[]): Promise<Ended> {
    const through = ['env', `PATH=${path.join(folder, 'empty')}`, `HOME=${folder}`];
    const ended = await coalmine(args, { through });
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.equal(ended.stderr, '');
    assert.deepEqual(readdirSync(folder), [], 'nothing is made');
    return ended;
  }

  it('plan, validate, list and help work without any program', async () => {
    assert.match(
      (await passes('plan', 'upgrade-smoke')).stdout,
      /phase .*upgrade kube-proxy to 1\.34\.4 on canary/,
    );
    const planned = JSON.parse((await passes('plan', 'endpoint-churn', '--json')).stdout) as {
      plans: unknown[];
    };
    assert.equal(planned.plans.length, 2);
    assert.match((await passes('validate', 'upgrade-smoke')).stdout, /valid; 1 to run/);
    assert.match((await passes('list')).stdout, /^drop-control +A positive control/m);
    const listed = JSON.parse((await passes('list', '--json')).stdout) as { name: string }[];
    assert.ok(listed.some(({ name }) => name === 'nothing-happened'));
    assert.match((await passes('--help')).stdout, /coalmine run <scenario>[^]*exit codes: 0 pass/);
    assert.match((await passes('completion')).stdout, /coalmine-completions/);
  });

  it('a folder that is no run cannot be checked or reported', async () => {
    for (const command of ['check', 'report']) {
      const ended = await coalmine([command, folder]);
      assert.deepEqual([ended.exitCode, ended.stdout], [2, ''], ended.stderr);
      assert.match(ended.stderr, /^coalmine: .*(not a run directory|verdict\.json)/);
    }
  });
});

/** What goes before a program so that a disk of 64 MiB is at `folder` for it alone. */
function smallDisk(folder: string): string[] {
  const mount = 'mount -t tmpfs -o size=64m none "$0" && exec "$@"';
  return ['unshare', '--mount', '--', 'sh', '-c', mount, folder];
}

function artifactsIn(cacheHome: string): string[] {
  const folder = path.join(cacheHome, 'coalmine', 'artifacts');
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
