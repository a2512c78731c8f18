import assert from 'node:assert/strict';
import { z } from 'zod';
import { RUN_LABEL } from '../../../harness/core/names.ts';
import { LOADS } from '../../../harness/load/index.ts';
import { generatorArgv, LOAD_CONTAINER } from '../../../harness/load/pod.ts';
import { endOf, startGenerator } from '../../support/load-program.ts';

const target = {
  ...{ runId: 'r1', id: 'dns-1', node: 'w1', namespace: 'coalmine', image: 'coalmine/load:1' },
};
const WRITTEN: Readonly<Record<string, Record<string, unknown>>> = {
  'dns-pairs': { rate: 20, timeout: '2s', sockets: 'fixed', server: '127.0.0.1' },
  dnsperf: { rate: 20, server: '127.0.0.1' },
  getaddrinfo: { threads: 8, names: ['no..name'] },
  'hold-connections': { service: '127.0.0.1', port: 1, reopen: false },
  http: { mode: 'keep-alive' },
};

function loadNamed(name: string) {
  const load = LOADS.find((each) => each.name === name);
  assert.ok(load);
  return load;
}

interface PodSpec {
  nodeName: string;
  restartPolicy: string;
  terminationGracePeriodSeconds: number;
  tolerations: unknown[];
  containers: { name: string; image: string; imagePullPolicy: string; command: string[] }[];
}

function podOf(name: string) {
  const load = loadNamed(name);
  const pod = load.pod(load.params.parse(WRITTEN[name]), target);
  return { pod, spec: pod['spec'] as PodSpec };
}

describe('loads', () => {
  it('are all tried here, and have a schema for editors', () => {
    assert.deepEqual(LOADS.map(({ name }) => name).sort(), Object.keys(WRITTEN).sort());
    for (const { params } of LOADS) z.toJSONSchema(params, { io: 'input' });
  });

  it('are pods bound to their node that tolerate everything and carry the run', () => {
    for (const { name } of LOADS) {
      const { pod, spec } = podOf(name);
      assert.equal(pod.metadata.name, 'load-dns-1');
      assert.equal(pod.metadata.labels?.[RUN_LABEL], 'r1');
      assert.deepEqual([spec.nodeName, spec.restartPolicy], ['w1', 'Never']);
      assert.deepEqual(spec.tolerations, [{ operator: 'Exists' }]);
      const [container] = spec.containers;
      assert.equal(container?.name, LOAD_CONTAINER);
      assert.equal(container.imagePullPolicy, 'Never');
    }
  });

  it('have more grace than their longest request', () => {
    assert.equal(podOf('dns-pairs').spec.terminationGracePeriodSeconds, 7);
    assert.equal(podOf('hold-connections').spec.terminationGracePeriodSeconds, 35);
  });

  it('refuse what they do not know and durations without a unit', () => {
    for (const { name, params } of LOADS) {
      assert.ok(!params.safeParse({ ...WRITTEN[name], speed: 1 }).success, name);
      assert.ok(!params.safeParse({ ...WRITTEN[name], timeout: 5 }).success, name);
    }
    assert.ok(!loadNamed('dns-pairs').params.safeParse({ names: ['a,b'] }).success);
    assert.ok(!loadNamed('http').params.safeParse({ mode: 'keep-alive', url: 'echo' }).success);
  });

  it('call the generator with options that it knows', async () => {
    for (const name of ['dns-pairs', 'dnsperf', 'getaddrinfo', 'hold-connections']) {
      const argv = podOf(name).spec.containers[0]?.command ?? [];
      const own = argv.slice(generatorArgv('x', {}).length - 1);
      const run = startGenerator([...own, '--ready-within-ms', '1']);
      // 2 would be wrong usage; 1 is a target that is not there.
      assert.equal(await run.exit(), 1, `${name}: ${run.talk.join(' ')}`);
      assert.match(endOf(run.lines)?.ended ?? '', /never ready/);
    }
  });
});
