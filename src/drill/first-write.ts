import type { ConnectionSettings } from '../config/connection.ts';
import type { RunContext } from '../core/context.ts';
import { StructdbError } from '../core/errors.ts';
import { asStep } from '../core/progress.ts';
import { type Check, check } from './checks.ts';
import { probeWrite, type WriteProbe } from './write-probe.ts';

/** Tries the write that ends the RTO; a refusal is a failed check, and no error. */
export async function firstWrite(
  connection: ConnectionSettings,
  context: RunContext,
): Promise<{ readonly write: WriteProbe | null; readonly writes: Check }> {
  const good = 'the restored database accepts a write';
  try {
    const write = await asStep(context, 'drill.write', 'Writing to the restored database', () =>
      probeWrite(connection, context),
    );
    return { write, writes: check('first write', good, []) };
  } catch (error) {
    if (!(error instanceof StructdbError) || !REFUSED.has(error.code)) throw error;
    return { write: null, writes: check('first write', good, [error.message]) };
  }
}

/** The database answered, and does not take what the schema promises. */
const REFUSED: ReadonlySet<string> = new Set(['CHECK_FAILED', 'SQL_FAILED', 'PERMISSION_DENIED']);
