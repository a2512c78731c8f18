/** The JSON Schema for editors is generated from the schema that checks scenarios. COALMINE_UPDATE=1 writes it again. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { scenarioJsonSchema } from '../../../harness/run/scenario.ts';

const FILE = path.resolve(import.meta.dirname, '../../../harness/run/scenario.schema.json');

describe('scenario.schema.json', () => {
  it('is what the code checks', () => {
    const generated = JSON.parse(JSON.stringify(scenarioJsonSchema())) as unknown;
    if (process.env['COALMINE_UPDATE'] === '1')
      writeFileSync(FILE, `${JSON.stringify(generated, undefined, 2)}\n`);
    assert.deepEqual(JSON.parse(readFileSync(FILE, 'utf8')), generated);
  });

  it('knows every load, fault, churn and check by name', () => {
    const text = readFileSync(FILE, 'utf8');
    for (const name of ['dns-pairs', 'freeze', 'endpoint-gone', 'rule-freshness', 'upgradeTo'])
      assert.ok(text.includes(`"${name}"`), name);
  });
});
