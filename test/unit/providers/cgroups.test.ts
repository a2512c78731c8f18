import assert from 'node:assert/strict';
import { parseCgroupMounts } from '../../../harness/providers/cgroups.ts';

describe('parseCgroupMounts', () => {
  it('finds the hierarchies of v1, v2 and both, and no other mount', () => {
    const text = [
      '24 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
      '35 24 0:29 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
      '36 35 0:30 / /sys/fs/cgroup/cpu rw,nosuid shared:9 - cgroup cgroup rw,cpu',
      '45 35 0:39 / /sys/fs/cgroup/unified rw,relatime shared:4 master:2 - cgroup2 cgroup2 rw',
      '46 24 0:40 / /cgroup rw - fuse cgroup rw',
      '',
    ].join('\n');
    assert.deepEqual(parseCgroupMounts(text), ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/unified']);
    assert.deepEqual(parseCgroupMounts(''), []);
  });
});
