import { it } from '@jest/globals';
import { bringBackByHand } from '../docs/by-hand.ts';
import { describeWith } from '../support/programs.ts';

describeWith(['zstd', 'age', 'age-keygen'], 'docs/recovery-without-structdb.md', () => {
  it('brings a cluster and a dump back from a plain store with stock programs only', () => bringBackByHand('plain'));
});
