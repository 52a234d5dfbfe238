import type { MigrationResult } from 'kysely/migration';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { messageOf, StructdbError } from '../../core/errors.ts';
import { redact } from '../../core/redact.ts';
import { type DownPreview, previewDown } from '../losses/losses.ts';
import { namesOf, type Registry, registry as shipped } from '../registry.ts';

export interface RedoPreviewOptions {
  readonly connection: ConnectionSettings;
  readonly registry?: Registry;
  /** How many of the last applied migrations; 1 by default. */
  readonly count?: number;
}

/**
 * What a `redo` would lose: taking back loses it, and applying again brings no rows back. Writes nothing.
 * @throws MIGRATION_IRREVERSIBLE where `redo` would refuse
 */
export function previewRedo(
  { connection, registry = shipped, count = 1 }: RedoPreviewOptions,
  context: RunContext,
): Promise<DownPreview> {
  return previewDown({ connection, registry, target: { count } }, context);
}

/**
 * The error of a redo that stopped between its way back and its end, with where the database is now. The command itself
 * is no way on from there: it would take back the migration before. As it is where nothing is left to apply again.
 */
export function redoFailure(
  error: unknown,
  results: readonly MigrationResult[],
  registry: Registry,
  { signal }: Pick<RunContext, 'signal'>,
): unknown {
  const left = leftBehind(results);
  if (left.length === 0) return hintingAtRedo(error);
  const known = signal.aborted ? undefined : asStructdbError(error);
  const message = known?.message ?? 'Interrupted.';
  return new StructdbError(known?.code ?? 'INTERRUPTED', `${message} ${stateOf(left, registry)}`, {
    cause: known?.cause ?? error,
    details: [...(known?.details ?? []), ...serverHint(known)],
    hint: known === undefined ? `To apply again: structdb migrate up ${left.length}` : wayOn(results, left.length),
  });
}

/** Nothing was taken back: `down`, which the failure of a way back names, would leave it at that. */
function hintingAtRedo(error: unknown): unknown {
  if (!(error instanceof StructdbError) || !error.hint?.endsWith('structdb migrate down')) return error;
  const { code, message, cause, details } = error;
  return new StructdbError(code, message, { cause, details, hint: error.hint.replace(/down$/, 'redo') });
}

/** A way back without a transaction may have stopped halfway: it has to be finished before anything goes up. */
function wayOn(results: readonly MigrationResult[], left: number): string {
  const back = results.filter(({ direction, status }) => direction === 'Down' && status !== 'Success').length;
  return back === 0
    ? `Correct the cause, then run: structdb migrate up ${left}`
    : `Correct the cause, then run: structdb migrate down ${back}, and then: structdb migrate up ${left + back}`;
}

/** What was taken back and not applied again, in the order of application. */
export function leftBehind(results: readonly MigrationResult[]): string[] {
  const succeeded = (direction: MigrationResult['direction']) =>
    results.filter((one) => one.direction === direction && one.status === 'Success').map((one) => one.migrationName);
  const again = new Set(succeeded('Up'));
  return succeeded('Down')
    .filter((name) => !again.has(name))
    .sort();
}

/** The applied ones are the first of all: the database is at the one before the first that is missing. */
function stateOf(left: readonly string[], registry: Registry): string {
  const all = namesOf(registry);
  const first = all.indexOf(left[0]!);
  const at = first > 0 ? `the database is now at ${all[first - 1]}` : 'no migration is applied now';
  const were = left.length === 1 ? 'was' : 'were';
  return `${left.join(', ')} ${were} taken back and not applied again: ${at}, with ${all.slice(first).join(', ')} pending.`;
}

/** Between the two halves the server may refuse something that is no migration's. */
function asStructdbError(error: unknown): StructdbError {
  if (error instanceof StructdbError) return error;
  return new StructdbError('MIGRATION_FAILED', `${redact(messageOf(error)).replace(/\.$/, '')}.`, { cause: error });
}

function serverHint(error: StructdbError | undefined): string[] {
  const { hint } = (error?.cause ?? {}) as { readonly hint?: string };
  return hint ? [`hint: ${redact(hint)}`] : [];
}
