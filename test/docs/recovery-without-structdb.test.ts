import { it } from '@jest/globals';
import { describeWith } from '../support/programs.ts';
import { bringBackByHand } from './by-hand.ts';

describeWith(['zstd', 'age', 'age-keygen'], 'docs/recovery-without-structdb.md', () => {
  it('brings a cluster and a dump back from an encrypted store with stock programs only', () =>
    bringBackByHand('encrypted'));
});
