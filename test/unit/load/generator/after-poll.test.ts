import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterPoll } from '../../../../harness/load/generator/after-poll.ts';

describe('afterPoll', () => {
  it('judges only after what had arrived was read', async () => {
    const [a, b] = [createSocket('udp4'), createSocket('udp4')];
    try {
      b.bind(0, '127.0.0.1');
      await once(b, 'listening');
      a.connect(b.address().port, '127.0.0.1');
      await once(a, 'connect');
      let received = 0;
      b.on('message', () => (received += 1));
      const judged = await new Promise<number>((resolve) => {
        setTimeout(() => {
          // On loopback a send is an arrival: more of them than Node reads in one turn.
          for (let each = 0; each < 100; each += 1) a.send('x');
          assert.equal(received, 0);
          afterPoll(
            () => received,
            () => {
              resolve(received);
            },
          );
        }, 1);
      });
      assert.equal(judged, 100);
    } finally {
      a.close();
      b.close();
    }
  });
});
