/** Style that no linter knows: file length, names that say nothing, banned calls with their replacement, leftovers. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LINES_MAX = 300;

const BANNED: readonly [RegExp, string][] = [
  [new RegExp('FIX' + 'ME|TO' + 'DO|XX' + 'X'), 'finish it, or write an issue'],
  [/\bshell:\s*true/, 'commands are argv arrays'],
  [/\b(pkill|killall)\b/, 'end only what was started, by pid'],
  [/\b(describe|it)\.(only|skip)\b/, 'run every test'],
  [/iptables['", ]+.*['"]-F['"]/, 'remove only what was added'],
  [/\bsh['"], ['"]-c['"], `/, 'no shell string is interpolated'],
];

export function untidy(file: string, text: string): string[] {
  const lines = text.split('\n');
  return [
    ...(lines.length > LINES_MAX + 1
      ? [`${file} has ${lines.length} lines; ${LINES_MAX} at most: split it by idea.`]
      : []),
    ...(/(^|\/)(utils?|helpers?|common|misc|manager)\.ts$/.test(file)
      ? [`${file}: a name that says nothing.`]
      : []),
    ...lines.flatMap((line, index) =>
      BANNED.filter(([pattern]) => pattern.test(line)).map(
        ([, instead]) => `${file}:${index + 1}: ${instead}.`,
      ),
    ),
  ];
}

function sources(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.posix.join(folder, file.split(path.sep).join('/')));
}

describe('tidy', () => {
  it('holds for harness and test', () => {
    const files = [...sources('harness'), ...sources('test')].filter(
      (file) => file !== 'test/unit/tidy.test.ts',
    );
    assert.deepEqual(
      files.flatMap((file) => untidy(file, readFileSync(path.join(ROOT, file), 'utf8'))),
      [],
    );
  });

  it('sees what it bans', () => {
    assert.equal(untidy('harness/x.ts', 'run({ shell: true })').length, 1);
    assert.equal(untidy('harness/utils.ts', '').length, 1);
    assert.equal(untidy('harness/x.ts', 'a\n'.repeat(400)).length, 1);
    assert.equal(untidy('harness/x.ts', 'it.only("x")').length, 1);
  });
});
