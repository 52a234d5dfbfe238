import { describe, expect, it } from '@jest/globals';
import { defaultConfig } from '../../src/config/defaults.ts';
import { factSamples } from '../../src/monitor/facts/samples.ts';
import { goodFacts, now, read, tierOf } from './facts-support.ts';

const { objectives } = await defaultConfig();

/** What is told of the newest daily backup, whose verification went so. */
function told(verified: { readonly at: Date; readonly ok: boolean } | null) {
  const newest = { ...tierOf({}).newest!, verified };
  const samples = factSamples({ ...goodFacts(), tiers: read([tierOf({ newest })]) }, objectives, 'app');
  const of = (name: string) => samples.find((sample) => sample.name === name)?.value;
  return {
    verified: of('structdb_backup_last_verified'),
    at: of('structdb_backup_last_verify_timestamp_seconds'),
  };
}

describe('samples of a backup', () => {
  it('tell one that was found damaged from one that nobody looked at', () => {
    const at = now.getTime() / 1000;
    expect(told({ at: now, ok: true })).toEqual({ verified: 1, at });
    expect(told({ at: now, ok: false })).toEqual({ verified: 0, at });
    expect(told(null)).toEqual({ verified: 0, at: undefined });
  });
});
