import assert from 'node:assert/strict';
import { parse } from 'yaml';
import {
  kindConfig,
  needsCgroupV1Word,
  nodeRoles,
} from '../../../../harness/providers/kind/config.ts';

const INPUT = {
  name: 'coalmine-r1',
  nodes: [
    { role: 'control-plane', image: 'coalmine/node:a' },
    { role: 'worker', image: 'coalmine/node:b' },
  ],
  proxyMode: 'nftables',
  allowCgroupV1: false,
  restrictOomScore: false,
  quickStart: false,
} as const;

describe('kind’s configuration', () => {
  it('has each node with its own image, the proxy mode, and no default network', () => {
    const config = parse(kindConfig(INPUT)) as Record<string, unknown>;
    assert.deepEqual(config['nodes'], INPUT.nodes);
    assert.deepEqual(config['networking'], {
      ipFamily: 'ipv4',
      apiServerAddress: '127.0.0.1',
      podSubnet: '10.244.0.0/16',
      serviceSubnet: '10.96.0.0/16',
      disableDefaultCNI: true,
      kubeProxyMode: 'nftables',
    });
    const [kubelet = ''] = config['kubeadmConfigPatches'] as string[];
    assert.deepEqual(parse(kubelet), {
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      readOnlyPort: 10_255,
    });
    assert.equal(config['containerdConfigPatches'], undefined);
    assert.equal((config['kubeadmConfigPatches'] as string[]).length, 1);
  });

  it('lets the controller manager start quickly, in the words of each version of kubeadm', () => {
    const config = parse(kindConfig({ ...INPUT, quickStart: true })) as Record<string, string[]>;
    const patches = (config['kubeadmConfigPatches'] ?? []).slice(1);
    const found = patches.map((patch) => {
      const { kind, apiVersion, controllerManager } = parse(patch) as Record<string, unknown>;
      return [kind, apiVersion, (controllerManager as { extraArgs: unknown }).extraArgs];
    });
    assert.deepEqual(found, [
      [
        'ClusterConfiguration',
        'kubeadm.k8s.io/v1beta3',
        { 'kube-api-qps': '200', 'kube-api-burst': '400' },
      ],
      [
        'ClusterConfiguration',
        'kubeadm.k8s.io/v1beta4',
        [
          { name: 'kube-api-qps', value: '200' },
          { name: 'kube-api-burst', value: '400' },
        ],
      ],
    ]);
  });

  it('has further patches only where this machine needs them', () => {
    const text = kindConfig({ ...INPUT, allowCgroupV1: true, restrictOomScore: true });
    const config = parse(text) as Record<string, string[]>;
    const [kubelet = ''] = config['kubeadmConfigPatches'] ?? [];
    assert.deepEqual(parse(kubelet), {
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      readOnlyPort: 10_255,
      failCgroupV1: false,
    });
    assert.match(config['containerdConfigPatches']?.[0] ?? '', /restrict_oom_score_adj = true/);
  });

  it('says the cgroup v1 word to kubelets that know it, and to no older one', () => {
    assert.deepEqual(['1.29.2', '1.34.3', '1.35.0', '1.37.0', '2.0.0'].map(needsCgroupV1Word), [
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it('has one control plane', () => {
    assert.deepEqual(nodeRoles(3), ['control-plane', 'worker', 'worker']);
    assert.deepEqual(nodeRoles(1), ['control-plane']);
  });
});
