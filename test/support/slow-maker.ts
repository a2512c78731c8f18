/** A process of its own that makes one artifact: `slow-maker.ts CACHE GATE`. It counts itself and waits for the gate to exist. */
import { appendFile, stat, writeFile } from 'node:fs/promises';
import { createStore } from '../../harness/components/store.ts';
import { waitFor } from '../../harness/core/deadline.ts';

const [cacheDir = '', gate = ''] = process.argv.slice(2);
const store = createStore({ cacheDir });
const artifact = await store.produce(
  {
    name: 'slow',
    version: '1',
    inputs: ['x'],
    needBytes: 1,
    aboutSeconds: 1,
    async make(target) {
      await appendFile(`${gate}.made`, 'once\n');
      await waitFor({ what: 'the gate', timeoutMs: 60_000, everyMs: 20 }, () =>
        stat(gate).catch(() => undefined),
      );
      await writeFile(target, 'slow content');
    },
  },
  {
    say: (line) => {
      console.log(line);
    },
    signal: new AbortController().signal,
  },
);
console.log(`done ${artifact.digest}`);
