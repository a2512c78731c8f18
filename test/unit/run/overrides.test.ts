import assert from 'node:assert/strict';
import { applyOverrides, parseOverride } from '../../../harness/run/overrides.ts';

const set = (written: Record<string, unknown>, ...texts: string[]) =>
  applyOverrides(written, texts.map(parseOverride));

describe('--set', () => {
  it('changes one value, deep or new, and leaves the original alone', () => {
    const written = { sampling: { every: '1s' } };
    assert.deepEqual(set(written, 'sampling.every=100ms', 'upgradeTo.kube-proxy=1.35.1'), {
      sampling: { every: '100ms' },
      upgradeTo: { 'kube-proxy': '1.35.1' },
    });
    assert.deepEqual(written, { sampling: { every: '1s' } });
  });

  it('knows components by their plain names', () => {
    for (const name of ['kubernetes', 'kubelet', 'canary-kubelet', 'kube-proxy'])
      assert.deepEqual(set({}, `${name}=1.34.4`), { components: { [name]: '1.34.4' } });
  });

  it('pins an axis of the matrix', () => {
    const written = { matrix: { proxyMode: ['iptables', 'nftables'], 'kube-proxy': ['1.34.3'] } };
    assert.deepEqual(set(written, 'proxyMode=nftables'), {
      proxyMode: 'nftables',
      matrix: { 'kube-proxy': ['1.34.3'] },
    });
  });

  it('reaches into lists', () => {
    assert.deepEqual(set({ phases: [{ for: '5s' }] }, 'phases.0.for=30s'), {
      phases: [{ for: '30s' }],
    });
  });

  for (const text of ['phases.hold.for=30s', 'phases.1.for=30s', 'phases.length=0']) {
    it(`refuses ${text}, which no list would show`, () => {
      assert.throws(
        () => set({ phases: [{ for: '5s' }] }, text),
        /no entry of this list; it has 1/,
      );
    });
  }

  it('reads numbers and booleans, keeps versions and durations as text', () => {
    assert.deepEqual(set({}, 'nodes=3', 'a=true', 'b=1.34', 'c=10s'), {
      nodes: 3,
      a: true,
      b: '1.34',
      c: '10s',
    });
  });

  for (const text of ['', '=x', 'novalue', 'a..b=1', '__proto__.x=1', 'a b=1']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseOverride(text), /expected PATH=VALUE/);
    });
  }
});
