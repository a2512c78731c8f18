import assert from 'node:assert/strict';
import { irqbalanceNote, irqbalanceOf } from '../../../harness/components/recipes/irqbalance.ts';

describe('an irqbalance that no mirror has', () => {
  it('is a version that there is, and what is changed in it', () => {
    const { real, dropIn, patch } = irqbalanceOf('1.9.4-1+deb13u1-without-2a66a66');
    assert.deepEqual([real, dropIn], ['1.9.4-1+deb13u1', undefined]);
    // A context line without its space would be refused by patch.
    assert.ok(patch?.split('\n').every((line) => line === '' || /^[-+ @]/.test(line)));
    assert.equal(patch?.split('\n').filter((line) => line === '').length, 1);
  });

  it('changes a unit without a build', () => {
    const { real, dropIn, patch } = irqbalanceOf('1.9.4-1+deb13u1-readonly');
    assert.deepEqual([real, patch], ['1.9.4-1+deb13u1', undefined]);
    assert.match(Object.values(dropIn ?? {}).join(), /ProtectKernelTunables=yes/);
  });

  it('says what it is to whoever reads the report', () => {
    assert.match(irqbalanceNote('1.9.4-1-without-2a66a66') ?? '', /irqbalance@2a66a66$/);
    assert.equal(irqbalanceNote('1.9.4-1'), undefined);
    assert.deepEqual(irqbalanceOf('1.9.4-1').real, '1.9.4-1');
  });
});
