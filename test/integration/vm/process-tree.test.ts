/** Processes as one, with a real kernel and a real CRIU: stages, the first end, standing still, and going on elsewhere. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createStore } from '../../../harness/components/store.ts';
import { waitFor } from '../../../harness/core/deadline.ts';
import { local } from '../../../harness/exec/local.ts';
import { dumpTree, restoreArgv, type Criu } from '../../../harness/providers/vm/checkpoint.ts';
import { checkpointRefusal } from '../../../harness/providers/vm/checkpoint-trial.ts';
import {
  initScript,
  PID_FILE,
  STAGE_SIGNALS,
  type InitProgram,
} from '../../../harness/providers/vm/init-script.ts';
import { startTree, type ProcessTree } from '../../../harness/providers/vm/process-tree.ts';
import { fetchCriu, findCriu } from '../../../harness/run/criu.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';

const never = new AbortController().signal;
const OWN = ['unshare', '--pid', '--fork', '--kill-child', '--', 'setsid', 'sh'] as const;
const sh = (name: string, text: string): InitProgram => ({ name, argv: ['sh', '-c', text] });
/** Says the next number every 20 ms; its own clock tells how long it took. */
const COUNTER = sh('counter', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done');
/** Where the kernel lets CRIU do less. */
const OF_OWN_USERS = 'does all this as root of a user namespace, too';

describe('a tree of processes', function () {
  let folder: string;
  let trees: ProcessTree[];

  before(function () {
    if (!isRoot()) skipOrFail(this, 'needs root');
  });
  beforeEach(() => {
    trees = [];
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-tree-'));
    mkdirSync(path.join(folder, 'logs'));
  });
  afterEach(async () => {
    for (const tree of trees) await tree.stop();
    rmSync(folder, { recursive: true });
  });

  const log = (name: string): string =>
    readFileSync(path.join(folder, 'logs', `${name}.log`), 'utf8');
  const files = () => ({ folder, logs: path.join(folder, 'logs'), ownLog: 'init.log' });
  const start = async (...stages: InitProgram[][]): Promise<ProcessTree> => {
    const init = path.join(folder, 'init.sh');
    writeFileSync(init, initScript(folder, stages));
    const tree = await startTree([...OWN, init], files(), never);
    trees.push(tree);
    return tree;
  };
  const counted = (): number => log('counter').split('\n').length - 1;
  const untilCounted = (least: number) =>
    waitFor({ what: `${least} counts`, timeoutMs: 10_000, everyMs: 10 }, () =>
      Promise.resolve(counted() >= least ? true : undefined),
    );

  it('tells who ended first, how, and its last words; the others are gone then', async () => {
    const tree = await start([COUNTER, sh('etcd', 'sleep 0.2; echo no room; exit 3')]);
    assert.match(await tree.died, /^etcd ended with exit code 3 .*\nno room$/s);
    const ended = counted();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(counted(), ended);
  });

  it('tells a signal from an exit code', async () => {
    const tree = await start([sh('etcd', 'sleep 0.2; kill -SEGV $$')]);
    assert.match(await tree.died, /^etcd ended with signal SIGSEGV /);
  });

  it('begins a stage when it is told to', async () => {
    const tree = await start([sh('first', 'exec sleep 60')], [COUNTER]);
    assert.throws(counted, /ENOENT/);
    tree.kill(STAGE_SIGNALS[0]);
    await untilCounted(3);
  });

  it('stands still as a whole, and goes on', async () => {
    const tree = await start([COUNTER]);
    await untilCounted(3);
    await tree.still(async () => {
      const before = counted();
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(counted(), before);
    });
    await untilCounted(counted() + 3);
  });

  it('that is stopped has not died, and can be stopped twice', async () => {
    const tree = await start([COUNTER]);
    await tree.stop();
    await tree.stop();
    assert.equal(await Promise.race([tree.died, Promise.resolve('nothing')]), 'nothing');
    assert.throws(() => process.kill(tree.pid, 0), /ESRCH/);
  });

  it('says why its first process did not begin', async () => {
    const init = path.join(folder, 'init.sh');
    writeFileSync(init, 'echo no shell; exit 7\n');
    await assert.rejects(startTree([...OWN, init], files(), never), /exit code 7\nno shell/);
  });

  it('that nobody wants any more before it began is gone', async () => {
    const init = path.join(folder, 'init.sh');
    writeFileSync(init, initScript(folder, [[COUNTER]]));
    const start = startTree([...OWN, init], files(), AbortSignal.abort(new Error('enough')));
    await assert.rejects(start, /enough/);
    const pid = Number(readFileSync(path.join(folder, PID_FILE), 'utf8'));
    assert.throws(() => process.kill(pid, 0), /ESRCH/);
  });

  it('ends who made its first process, too, and waits for what will not come', async () => {
    const text = 'sleep 600 & echo $! >"$1"; exec sleep 600';
    const argv = ['sh', '-c', text, 'sh', path.join(folder, PID_FILE)] as const;
    const tree = await startTree(argv, files(), never);
    // It throws where whoever made it is still there after ten seconds.
    await tree.stop();
    await tree.stop();
  });

  describe('with CRIU', function () {
    let criu: Criu;

    before(async function () {
      const store = createStore({ offline: process.env['CI'] !== 'true' });
      const lines: string[] = [];
      await fetchCriu(store, { say: (line) => lines.push(line), signal: never });
      const found = await findCriu(store);
      if (found === undefined) skipOrFail(this, lines.join('\n'));
      const refusal = await checkpointRefusal(found);
      if (refusal !== undefined) skipOrFail(this, refusal);
      criu = found;
    });

    const images = (): string => path.join(folder, 'images');
    const dump = async (tree: ProcessTree, ...meanwhile: [string, ...string[]]): Promise<void> => {
      mkdirSync(images());
      const where = { into: images(), log: path.join(folder, 'dump.log'), folder };
      await dumpTree(criu, { pid: tree.pid, ...where, meanwhile: { argv: meanwhile } });
    };
    const KEEP = ['sh', '-c', 'sleep 0.2; cp "$1" "$2"', 'sh'] as const;
    const keep = (): [string, ...string[]] => [
      ...KEEP,
      ...['counter.log', 'saved'].map((name) => path.join(folder, 'logs', name)),
    ];
    const restore = async (): Promise<ProcessTree> => {
      const log = path.join(folder, 'logs', 'init.log');
      const where = { from: images(), log, pidFile: path.join(folder, PID_FILE) };
      const tree = await startTree(await restoreArgv(criu, where), files(), never);
      trees.push(tree);
      return tree;
    };

    it('goes on where it was, as often as one likes, and still tells how it ends', async () => {
      const tree = await start([COUNTER]);
      await untilCounted(3);
      await dump(tree, ...keep());
      await tree.stop();
      const saved = readFileSync(path.join(folder, 'logs', 'saved'), 'utf8');
      for (const round of [1, 2]) {
        rmSync(path.join(folder, PID_FILE), { force: true });
        writeFileSync(path.join(folder, 'logs', 'counter.log'), saved);
        const again = await restore();
        await untilCounted(saved.split('\n').length + 5);
        const numbers = log('counter').trim().split('\n').map(Number);
        assert.deepEqual(
          numbers,
          numbers.map((_, index) => index + 1),
          `round ${round}`,
        );
        if (round === 1) {
          await again.stop();
          assert.throws(() => process.kill(again.pid, 0), /ESRCH/);
        } else {
          process.kill(again.pid, 'SIGTERM');
          assert.match(await again.died, /ended with/);
        }
      }
    });

    it('stands still while it is saved and its files are, and goes on', async () => {
      const tree = await start([COUNTER]);
      await untilCounted(3);
      await dump(tree, 'cp', '-r', path.join(folder, 'logs'), path.join(folder, 'copy'));
      await untilCounted(counted() + 3);
    });

    it('goes on when it could not be saved, and says why not', async () => {
      const tree = await start([COUNTER]);
      await untilCounted(3);
      await assert.rejects(
        dump(tree, 'sh', '-c', 'echo disk full; exit 3'),
        /disk full|exited with/,
      );
      await untilCounted(counted() + 3);
    });

    it('says what is wrong with what it should go on from', async () => {
      const tree = await start([COUNTER]);
      await untilCounted(3);
      await dump(tree, 'true');
      await tree.stop();
      rmSync(path.join(folder, PID_FILE), { force: true });
      rmSync(path.join(images(), 'core-1.img'));
      await assert.rejects(restore(), /exit code 1\n.*empty-image.*Restoring FAILED/s);
    });

    it(OF_OWN_USERS, async () => {
      const mocha = [process.execPath, 'node_modules/mocha/bin/mocha.js'];
      const others = ['--timeout', '30000', '--grep', OF_OWN_USERS, '--invert'];
      const argv = [
        ...['unshare', '--user', '--map-root-user', '--net', '--mount', '--pid', '--mount-proc'],
        ...['--fork', '--kill-child', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'],
        ...[...mocha, ...others, fileURLToPath(import.meta.url)],
      ] as [string, ...string[]];
      const { exitCode, stdout, stderr } = await local.run({ argv }, { timeoutMs: 120_000 });
      assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
      assert.match(stdout, /goes on where it was/);
    });
  });
});
