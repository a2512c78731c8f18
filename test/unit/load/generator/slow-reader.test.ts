import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { waitFor } from '../../../../harness/core/deadline.ts';
import { parseLoadLine } from '../../../../harness/load/lines.ts';
import { dnsResponder } from '../../../support/dns-responder.ts';
import { sumOf } from '../../../support/load-program.ts';

const GENERATOR = path.resolve(import.meta.dirname, '../../../../harness/load/generator/main.ts');
const PIPE_BYTES = 65_536;

describe('the output of the generator', () => {
  it('is whole where the reader comes late and the pipe was full', async () => {
    const server = await dnsResponder(() => ({}));
    const options = ['--server', `127.0.0.1:${server.port}`, '--names', 'a.test', '--rate', '0'];
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', GENERATOR, 'dns-pairs', ...options, '--sockets', 'fixed'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      // Nobody reads stdout yet, and each answer is some bytes of a line.
      await waitFor({ what: 'many answers', timeoutMs: 15_000, everyMs: 20 }, () =>
        Promise.resolve(server.asked.length > PIPE_BYTES ? true : undefined),
      );
      child.kill('SIGTERM');
      const before = () => server.asked.length;
      let last = -1;
      await waitFor({ what: 'the last question', timeoutMs: 15_000, everyMs: 300 }, () => {
        const isLast = before() === last;
        last = before();
        return Promise.resolve(isLast ? true : undefined);
      });
      let text = '';
      for await (const chunk of child.stdout.setEncoding('utf8')) text += String(chunk);
      const lines = text.trimEnd().split('\n').map(parseLoadLine);
      assert.ok(lines.every((line) => line !== undefined));
      assert.ok('ended' in (lines.at(-1) ?? {}));
      assert.equal(sumOf(lines).sent, server.asked.length - 1);
    } finally {
      child.kill('SIGKILL');
      await server.close();
    }
  });
});
