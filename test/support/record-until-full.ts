/**
 * Records what a stream and a timer bring, as a run does, until its disk is full; then ends with 4 and says why. Its
 * argument is the folder.
 */
import { PassThrough } from 'node:stream';
import { createRunDirectory } from '../../harness/record/run-directory.ts';
import { environmentOf, planOf } from './history.ts';
import { limitFiles } from './limit-files.ts';

const recorder = createRunDirectory(process.argv[2] ?? '', planOf(), environmentOf());
limitFiles(16_384);
let counter = 0;
const agent = new PassThrough();
agent.on('data', () => {
  counter += 1;
  recorder.sample({ tMs: counter, node: 'w1', probe: 'test', values: { counter } });
});
const timer = setInterval(() => {
  for (let lines = 0; lines < 100; lines += 1) agent.write('reading');
  recorder.event({ tMs: counter, kind: 'note', text: 'x'.repeat(1_000) });
}, 1);
let told = 0;
recorder.broken.addEventListener('abort', () => {
  told += 1;
  // What still comes while all is undone must not throw, either.
  setTimeout(() => {
    clearInterval(timer);
    recorder.writeFile('after/w1.txt', 'x'.repeat(20_000));
    recorder.event({ tMs: counter, kind: 'run', state: 'crashed', exitCode: 4 });
    recorder.close();
    process.stdout.write(
      JSON.stringify({
        told,
        reason: (recorder.broken.reason as Error).message,
        lost: recorder.lost.length,
        last: recorder.lost.at(-1)?.kind,
      }),
    );
    process.exitCode = 4;
  }, 100);
});
