/** Whatever comes over the stream, in whatever pieces: neither side crashes, and the next good message is understood. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { splitLines } from '../../../harness/agent/lines.ts';
import { serve } from '../../../harness/agent/node/server.ts';
import {
  encode,
  PROTOCOL_VERSION,
  readReport,
  readRequest,
  type Report,
} from '../../../harness/agent/protocol.ts';
import { openWire } from '../../../harness/agent/wire.ts';
import { startRunClock } from '../../../harness/core/clock.ts';
import { connectAgent } from '../../../harness/agent/client.ts';
import { until } from './start-agent.ts';

/** Bytes that are noise, or almost a message. */
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(`${text}\n`)),
  fc
    .record({
      type: fc.constantFrom(
        'heartbeat',
        'run',
        'kill',
        'reading',
        'undo',
        'completed',
        'gap',
        'ended',
      ),
      id: fc.oneof(fc.integer(), fc.string()),
      seq: fc.anything(),
      changed: fc.anything(),
    })
    .map((value) =>
      Buffer.from(
        `${JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? null : part))}\n`,
      ),
    ),
);
const damage = fc.array(noise, { maxLength: 8 }).map((parts) => Buffer.concat(parts));
const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 12 });

const never = (): never => {
  throw new Error('this must not happen');
};

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const points = [
    0,
    ...[...at].map((point) => Math.min(point, bytes.length)).sort((a, b) => a - b),
    bytes.length,
  ];
  return points.slice(1).map((point, index) => bytes.subarray(points[index], point));
}

const hello = (undoDir: string) =>
  ({ type: 'hello', protocol: PROTOCOL_VERSION, runId: 'r', undoDir, leaseMs: 60_000 }) as const;

describe('agent stream', () => {
  it('gives the same lines wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', ''))),
        cuts,
        (lines, at) => {
          const got: string[] = [];
          const splitter = splitLines(1_000, (line) => got.push(line), never);
          for (const part of cut(Buffer.from(lines.map((line) => `${line}\n`).join('')), at))
            splitter.push(part);
          splitter.end();
          assert.deepEqual(got, lines);
        },
      ),
    );
  });

  it('drops a line that is too long, once, and goes on with the next', () => {
    fc.assert(
      fc.property(fc.integer({ min: 11, max: 300 }), cuts, (length, at) => {
        const [lines, long]: [string[], string[]] = [[], []];
        const splitter = splitLines(
          10,
          (line) => lines.push(line),
          (start) => long.push(start),
        );
        for (const part of cut(Buffer.from(`a\n${'x'.repeat(length)}\nb\nrest`), at))
          splitter.push(part);
        splitter.end();
        assert.deepEqual(lines, ['a', 'b', 'rest']);
        assert.deepEqual(long, ['x'.repeat(10)]);
      }),
    );
  });

  it('makes sentences of nonsense', () => {
    fc.assert(
      fc.property(noise, (bytes) => {
        for (const read of [readRequest, readReport]) {
          const message = read(bytes.toString('utf8'));
          assert.ok(typeof message === 'string' ? message.length < 5_000 : message.type.length > 0);
        }
      }),
    );
  });

  it('is survived by the agent', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'coalmine-damage-'));
    try {
      await fc.assert(
        fc.asyncProperty(damage, cuts, async (bytes, at) => {
          const [stdin, stdout] = [new PassThrough(), new PassThrough()];
          const reports: Report[] = [];
          const answers = splitLines(
            1e6,
            (line) => reports.push(readReport(line) as Report),
            never,
          );
          stdout.on('data', answers.push);
          let hasEnded = false;
          serve(stdin, stdout, () => (hasEnded = true));
          for (const part of cut(bytes, at)) stdin.write(part);
          stdin.write(`\n${encode(hello(dir))!}`);
          await until('hello', () => reports.some(({ type }) => type === 'hello'));
          assert.deepEqual(
            reports.filter((report) => typeof report === 'string'),
            [],
          );
          stdin.end();
          await until('the end', () => hasEnded);
        }),
        { numRuns: 40 },
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('is survived by the controller', async () => {
    await fc.assert(
      fc.asyncProperty(damage, cuts, async (bytes, at) => {
        const stdout = new PassThrough();
        const gaps: number[] = [];
        const stream = { stdin: new PassThrough(), stdout, ended: new Promise(() => undefined) };
        openWire(stream, 'w1', {
          onReport: (report) => {
            if (report.type === 'gap') gaps.push(report.gapMs);
          },
          onNonsense: (text) => {
            assert.ok(text.length > 0);
          },
          onEnd: () => undefined,
        });
        for (const part of cut(bytes, at)) stdout.write(part);
        stdout.write(`\n${encode({ type: 'gap', fromMonoMs: 1, gapMs: 4711, tickMs: 100 })!}`);
        await until('the last message', () => gaps.includes(4711));
      }),
      { numRuns: 40 },
    );
  });

  it('says so where the other side speaks another protocol, or is no agent at all', async () => {
    const message = readRequest(JSON.stringify({ ...hello('/x'), protocol: 99 }));
    assert.match(message as string, /protocol 99 is spoken there, 2 here/);

    const options = (stdout: PassThrough, ended: Promise<unknown>) => ({
      stream: { stdin: new PassThrough(), stdout, ended },
      node: 'w1',
      clock: startRunClock(),
      runId: 'r',
      onGap: never,
      onLost: never,
    });
    const other = new PassThrough();
    other.write(encode({ type: 'complaint', text: 'protocol 1 is spoken there, 99 here' })!);
    const refused = connectAgent(options(other, Promise.resolve()));
    setImmediate(() => other.destroy());
    await assert.rejects(refused, /no agent on w1: protocol 1/);

    const none = new PassThrough();
    none.end('OCI runtime exec failed: no such file\n');
    await assert.rejects(connectAgent(options(none, Promise.resolve())), /is gone: .*OCI runtime/);
  });
});
