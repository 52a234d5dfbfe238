import { StructdbError } from '../../core/errors.ts';
import { toolVersion } from '../../core/tool-version.ts';
import { writeEvidence } from '../../repository/evidence.ts';
import type { PassedOver } from '../result.ts';
import type { ChosenCluster } from './choose.ts';

/** None of the backups could be restored. */
export class NothingUsable extends Error {
  readonly passedOver: readonly PassedOver[];
  readonly last: StructdbError;

  constructor(passedOver: readonly PassedOver[], last: StructdbError) {
    super(last.message);
    this.passedOver = passedOver;
    this.last = last;
  }
}

/** Nothing was measured, and the store must not look as if nobody had tried. */
export async function keepFailure(
  { passedOver, last }: NothingUsable,
  chosen: ChosenCluster,
  at: Date,
): Promise<StructdbError> {
  const message =
    passedOver.length === 1
      ? passedOver[0]!.reason
      : `None of the ${passedOver.length} base backups can be restored. The newest: ${passedOver[0]!.reason}`;
  const error = new StructdbError('BACKUP_CORRUPT', message, {
    cause: last,
    details: passedOver.length === 1 ? last.details : passedOver.map(({ label, reason }) => `${label}: ${reason}`),
    hint: 'Make a new backup now: structdb backup run --kind base',
  });
  await writeEvidence(chosen.repository, 'drills', at, {
    kind: 'base',
    structdb: toolVersion(),
    at: at.toISOString(),
    label: chosen.entries[0]!.label,
    verdict: { ok: false, code: error.code, message },
    passedOver,
    rto: null,
    checks: [],
  });
  return error;
}
