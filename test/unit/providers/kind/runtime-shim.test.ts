import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { local } from '../../../../harness/exec/local.ts';
import {
  missingCapabilities,
  runtimeShim,
} from '../../../../harness/providers/kind/runtime-shim.ts';

const MISSING = ['CAP_SYS_RESOURCE', 'CAP_BPF'];

function spec(capabilities: readonly string[], args: readonly string[]) {
  const lists = { bounding: capabilities, effective: capabilities, ambient: [] };
  return { ociVersion: '1.0.2-dev', process: { args, env: args, capabilities: lists, cwd: '/' } };
}

describe('missingCapabilities', () => {
  it('names what the bounding set lacks, up to what the kernel knows', () => {
    const status = (hex: string): string => `Name:\tcat\nCapEff:\t0\nCapBnd:\t${hex}\nCapAmb:\t0\n`;
    assert.deepEqual(missingCapabilities(status('000001ffffffffff'), 40), []);
    assert.deepEqual(missingCapabilities(status('000001fffeffffff'), 40), ['CAP_SYS_RESOURCE']);
    assert.deepEqual(missingCapabilities(status('0000003fffffffff'), 37), []);
    assert.deepEqual(missingCapabilities(status('0000003ffffffffe'), 40), [
      'CAP_CHOWN',
      'CAP_PERFMON',
      'CAP_BPF',
      'CAP_CHECKPOINT_RESTORE',
    ]);
  });

  it('does not take an unreadable status for a full set', () => {
    assert.throws(() => missingCapabilities('Name:\tcat\n', 40));
  });
});

describe('runtimeShim', () => {
  let folder = '';
  let shim = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'shim-'));
    shim = path.join(folder, 'shim');
    // `echo` plays runc: it shows that every word is handed over.
    await writeFile(shim, runtimeShim('/bin/echo', MISSING));
    await chmod(shim, 0o755);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function pass(argv: readonly string[], file: string, content: unknown): Promise<unknown> {
    const target = path.join(folder, file);
    await writeFile(target, JSON.stringify(content));
    const done = await local.run({ argv: [shim, ...argv] }, { timeoutMs: 10_000 });
    assert.equal(done.stderr, '');
    assert.equal(done.stdout.trim(), argv.join(' '));
    return JSON.parse(await readFile(target, 'utf8'));
  }

  const GLOBAL = ['--root', '/r', '--log', '/run/log.json', '--log-format', 'json'];

  for (const verb of ['create', 'run'])
    it(`edits the bundle on ${verb}`, async () => {
      const all = ['CAP_SYS_RESOURCE', 'CAP_CHOWN', 'CAP_BPF', 'CAP_KILL', 'CAP_SYS_RESOURCE'];
      assert.deepEqual(
        await pass(
          [...GLOBAL, verb, '--bundle', folder, '--pid-file', '/p', 'id'],
          'config.json',
          spec(all, ['sh']),
        ),
        spec(['CAP_CHOWN', 'CAP_KILL'], ['sh']),
      );
    });

  it('edits the process file on exec, and not the bundle', async () => {
    const only = ['CAP_BPF', 'CAP_SYS_RESOURCE'];
    await writeFile(path.join(folder, 'config.json'), 'untouched');
    for (const flag of [['--process', path.join(folder, 'p.json')], [`--process=${folder}/p.json`]])
      assert.deepEqual(
        await pass([...GLOBAL, 'exec', ...flag, '--detach', 'id'], 'p.json', spec(only, ['run'])),
        spec([], ['run']),
      );
    assert.equal(await readFile(path.join(folder, 'config.json'), 'utf8'), 'untouched');
  });

  it('hands every other verb over as it is', async () => {
    const before = spec(MISSING, []);
    assert.deepEqual(await pass([...GLOBAL, 'kill', 'id', '9'], 'config.json', before), before);
  });

  it('changes no argument or variable, whatever it looks like', async () => {
    const nasty = fc.oneof(
      fc.string(),
      fc.constantFrom(...MISSING, '"CAP_BPF",', ',]', '"capabilities":{"a":["CAP_BPF"]}', '\\"'),
    );
    const names = fc.constantFrom('CAP_CHOWN', 'CAP_BPF_X', 'CAP_KILL', ...MISSING);
    await fc.assert(
      fc.asyncProperty(fc.array(names), fc.array(nasty), async (capabilities, args) => {
        const after = await pass(
          ['create', '--bundle', folder, 'id'],
          'config.json',
          spec(capabilities, args),
        );
        const kept = capabilities.filter((name) => !MISSING.includes(name));
        assert.deepEqual(after, spec(kept, args));
      }),
      { numRuns: 40 },
    );
  });
});
