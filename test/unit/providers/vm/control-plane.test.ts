import assert from 'node:assert/strict';
import { parseAllDocuments } from 'yaml';
import { dnsBefore } from '../../../../harness/providers/vm/addons.ts';
import {
  apiServerArgs,
  controllerManagerArgs,
  etcdArgs,
  schedulerArgs,
} from '../../../../harness/providers/vm/control-plane-argv.ts';
import { initScript } from '../../../../harness/providers/vm/init-script.ts';
import { kubeadmConfig } from '../../../../harness/providers/vm/kubeadm-config.ts';
import { allOf } from '../../../../harness/providers/vm/work.ts';

describe('the control plane’s programs', () => {
  it('leave leases and grace periods as upstream has them', () => {
    const all = [
      ...etcdArgs('/data'),
      ...apiServerArgs('/pki'),
      ...controllerManagerArgs('/pki', '/kubeconfig'),
      ...schedulerArgs('/kubeconfig'),
    ];
    assert.deepEqual(
      all.filter((word) => /node-monitor|pod-eviction|lease-duration/.test(word)),
      [],
    );
  });

  it('keep the controllers that a Service, a DaemonSet and a namespace need', () => {
    const word = controllerManagerArgs('/pki', '/kubeconfig').find((one) =>
      one.startsWith('--controllers='),
    );
    const off = (word ?? '').replace('--controllers=', '').split(',').slice(1);
    assert.ok(off.length > 5);
    for (const needed of ['endpoint', 'endpointslice', 'daemonset', 'namespace', 'node-lifecycle'])
      assert.ok(!off.includes(`-${needed}`), needed);
  });

  it('give nodes their ranges by number, not in the order of arrival', () => {
    const args = controllerManagerArgs('/pki', '/kubeconfig');
    assert.ok(args.includes('--allocate-node-cidrs=false'));
  });
});

describe('kubeadm’s configuration', () => {
  const config = (kubernetes: string) =>
    parseAllDocuments(kubeadmConfig({ kubernetes, pki: '/pki', proxyMode: 'ipvs', node: 'n' })).map(
      (document) => document.toJS() as Record<string, unknown>,
    );

  it('is of the version that the release knows, and has short keys where it can', () => {
    const [, newer, proxy] = config('1.34.3');
    assert.equal(newer?.['apiVersion'], 'kubeadm.k8s.io/v1beta4');
    assert.equal(newer['encryptionAlgorithm'], 'ECDSA-P256');
    assert.equal(proxy?.['mode'], 'ipvs');
    const [init, older] = config('1.30.4');
    assert.equal(older?.['apiVersion'], 'kubeadm.k8s.io/v1beta3');
    assert.equal(older['encryptionAlgorithm'], undefined);
    assert.equal((init?.['nodeRegistration'] as { name: string }).name, 'n');
  });
});

describe('CoreDNS, before there is a node', () => {
  const readinessProbe = { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 10 };
  const containers = [{ name: 'coredns', image: 'i', readinessProbe }];
  const deployment = { spec: { template: { spec: { containers } } } };

  it('will be anywhere but on the canary, and on it where there is no other', () => {
    assert.doesNotMatch(JSON.stringify(dnsBefore(deployment, ['a'])), /affinity/);
    assert.match(JSON.stringify(dnsBefore(deployment, ['a', 'b'])), /"NotIn","values":\["a"\]/);
  });

  it('is none yet, and will be asked each second by the probe that it had', () => {
    const probe = { ...readinessProbe, periodSeconds: 1, failureThreshold: 30 };
    assert.deepEqual(dnsBefore(deployment, ['a']), {
      spec: {
        replicas: 0,
        template: {
          spec: { containers: [{ name: 'coredns', image: 'i', readinessProbe: probe }] },
        },
      },
    });
  });
});

describe('the first process of the control plane', () => {
  const program = (name: string) => ({ name, argv: ['/bin/echo', `${name}'s`] as const });

  it('begins each stage at its signal, and names nothing that a shell would read', () => {
    const script = initScript('/a folder', [[program('a')], [program('b')], [program('c')]]);
    assert.match(script, /^cd '\/a folder'/);
    assert.match(script, /trap stage_USR1 USR1/);
    assert.match(script, /trap stage_USR2 USR2/);
    assert.match(script, /^begin a \/bin\/echo 'a'\\''s'$/m);
    assert.ok(script.indexOf('begin b') < script.indexOf('begin a'), 'a function');
  });
});

describe('allOf', () => {
  it('tells the others to end, waits for them, and throws what failed first', async () => {
    const broken = new AbortController();
    const work = {
      signal: broken.signal,
      giveUp: (reason: unknown) => {
        broken.abort(reason);
      },
    };
    let ended = false;
    const other = new Promise<never>((_, reject) => {
      broken.signal.addEventListener('abort', () => {
        ended = true;
        reject(new Error('second'));
      });
    });
    const failing = Promise.reject(new Error('first'));
    await assert.rejects(allOf(work, [failing, other]), /first/);
    assert.ok(ended);
    const fine = new AbortController();
    const quiet = { signal: fine.signal, giveUp: () => undefined };
    assert.deepEqual(await allOf(quiet, [Promise.resolve(1), Promise.resolve('b')]), [1, 'b']);
  });
});
