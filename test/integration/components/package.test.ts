import assert from 'node:assert/strict';
import { access, constants, readdir } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../../harness/exec/local.ts';
import { runOrThrow } from '../../../harness/exec/run-or-throw.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const DIST = path.join(ROOT, 'dist');

describe('the built package', function () {
  this.timeout(120_000);
  before(() =>
    runOrThrow(
      local,
      { argv: [process.execPath, path.join(ROOT, 'scripts/build.js')] },
      { timeoutMs: 100_000 },
    ),
  );

  it('starts by its own shebang', async () => {
    const help = await runOrThrow(
      local,
      { argv: [path.join(DIST, 'cli/main.js'), '--help'] },
      { timeoutMs: 20_000 },
    );
    assert.match(help, /coalmine/);
  });

  it('has the programs for nodes, which it finds, and the k6 scripts', async () => {
    const text = [
      "import { bundleProgram, k6ScriptsFolder } from './components/bundle.js';",
      "console.log((await bundleProgram('agent')).path, (await bundleProgram('generator')).path, k6ScriptsFolder());",
    ].join('\n');
    const argv = ['env', `--chdir=${DIST}`, process.execPath, '--input-type=module', '-e', text];
    const [file = '', ...args] = argv;
    const printed = await runOrThrow(local, { argv: [file, ...args] }, { timeoutMs: 20_000 });
    const [agent = '', generator = '', scripts = ''] = printed.trim().split(' ');
    await access(agent, constants.R_OK);
    await access(generator, constants.R_OK);
    assert.ok((await readdir(scripts)).includes('keep-alive.ts'));
    assert.equal(path.dirname(agent), path.join(DIST, 'programs'));
  });

  it('holds no TypeScript but what k6 reads', async () => {
    const files = await readdir(DIST, { recursive: true });
    const typescript = files.filter((file) => file.endsWith('.ts') && !file.startsWith('k6/'));
    assert.deepEqual(typescript, []);
  });
});
