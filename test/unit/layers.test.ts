/** Imports go one way (harness/README.md), and some packages have one owner. The table is the diagram. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../../harness');

const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  exec: ['core'],
  agent: ['core'],
  components: ['core', 'exec'],
  providers: ['core', 'exec', 'components', 'agent'],
  matrix: ['core'],
  disrupt: ['core'],
  load: ['core'],
  observe: ['core'],
  record: ['core'],
  judge: ['core'],
  report: ['core'],
  run: [
    'core',
    'exec',
    'agent',
    'components',
    'providers',
    'matrix',
    'disrupt',
    'load',
    'observe',
    'record',
    'judge',
    'report',
  ],
  cli: ['core', 'run'],
};

/** Package (or phrase) to the only folder or file that may use it. */
const OWNERS: Record<string, string> = {
  execa: 'exec/',
  yargs: 'cli/',
  '@kubernetes/client-node': 'providers/kube',
  'node:child_process': 'agent/node/',
};

export interface SourceFile {
  /** Path below harness/, with forward slashes. */
  file: string;
  text: string;
}

const IMPORT = /(?:from|import)\s*\(?\s*'([^']+)'/g;

/** Returns one sentence to act on for each import that breaks the diagram. */
export function violations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ file, text }) => [
    ...[...text.matchAll(IMPORT)].flatMap(([, target = '']) => judgeImport(file, target)),
    ...(/process\.(on|once)\(/.test(text) && file !== 'cli/interrupt.ts' && !isProgram(file)
      ? [`${file} listens to the process; only cli/interrupt.ts may.`]
      : []),
  ]);
}

/** Programs of their own, which run elsewhere: the agent on the node, the generator in a pod. */
function isProgram(file: string): boolean {
  return file.startsWith('agent/node/') || file.startsWith('load/generator/');
}

function judgeImport(file: string, target: string): string[] {
  const room = file.split('/')[0] ?? '';
  const may = MAY_IMPORT[room];
  if (may === undefined)
    return [
      `${file} is in a room that the table does not know. Is the structure changing? Change the table.`,
    ];
  if (!target.startsWith('.')) {
    const owner = Object.entries(OWNERS).find(
      ([name]) => target === name || target.startsWith(`${name}/`),
    );
    if (owner === undefined || file.startsWith(owner[1]) || isProgram(file)) return [];
    return [`${file} imports ${target}; only ${owner[1]} may.`];
  }
  const other =
    path.posix.normalize(path.posix.join(path.posix.dirname(file), target)).split('/')[0] ?? '';
  if (other === room || may.includes(other)) return [];
  return [
    `${file} imports ${target}; ${room} may import: ${may.join(', ') || 'nothing'}. Is the structure changing? Change the table.`,
  ];
}

function readHarness(): SourceFile[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({
      file: file.split(path.sep).join('/'),
      text: readFileSync(path.join(ROOT, file), 'utf8'),
    }));
}

describe('layers', () => {
  it('holds for the tree', () => {
    const files = readHarness();
    assert.ok(files.length > 10);
    assert.deepEqual(violations(files), []);
  });

  it('fails once a checker imports a provider, a probe a neighbour, or a fault execa', () => {
    const text = (target: string) => `import { x } from '${target}';`;
    assert.equal(
      violations([{ file: 'judge/checkers/x.ts', text: text('../../providers/cluster.ts') }])
        .length,
      1,
    );
    assert.equal(
      violations([{ file: 'observe/probes/x.ts', text: text('../../record/recorder.ts') }]).length,
      1,
    );
    assert.equal(violations([{ file: 'disrupt/faults/x.ts', text: text('execa') }]).length, 1);
    assert.equal(
      violations([{ file: 'run/run.ts', text: "process.on('SIGINT', stop)" }]).length,
      1,
    );
    assert.equal(violations([{ file: 'core/x.ts', text: text('../exec/local.ts') }]).length, 1);
  });

  it('knows dynamic imports', () => {
    assert.equal(
      violations([{ file: 'judge/x.ts', text: "await import('../run/run.ts')" }]).length,
      1,
    );
  });
});
