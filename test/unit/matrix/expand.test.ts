import assert from 'node:assert/strict';
import { cellName, exclusionOf, expandMatrix } from '../../../harness/matrix/expand.ts';

describe('matrix expansion', () => {
  it('gives every combination, the last axis fastest', () => {
    const cells = expandMatrix({
      proxyMode: ['iptables', 'nftables'],
      'kube-proxy': ['1.34.3', '1.34.4'],
    });
    assert.deepEqual(cells.map(cellName), [
      'proxyMode=iptables,kube-proxy=1.34.3',
      'proxyMode=iptables,kube-proxy=1.34.4',
      'proxyMode=nftables,kube-proxy=1.34.3',
      'proxyMode=nftables,kube-proxy=1.34.4',
    ]);
  });

  it('gives one empty cell for no matrix', () => {
    assert.deepEqual(expandMatrix({}), [{}]);
    assert.equal(cellName({}), '');
  });

  it('excludes with a reason, only where every named axis matches', () => {
    const exclusions = [
      {
        when: { proxyMode: 'nftables', 'kube-proxy': '1.28.0' },
        because: 'nftables mode came with 1.29',
      },
    ];
    assert.equal(
      exclusionOf({ proxyMode: 'nftables', 'kube-proxy': '1.28.0' }, exclusions),
      'nftables mode came with 1.29',
    );
    assert.equal(
      exclusionOf({ proxyMode: 'iptables', 'kube-proxy': '1.28.0' }, exclusions),
      undefined,
    );
  });
});
