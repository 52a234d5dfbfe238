import { StructdbError } from '../core/errors.ts';
import { asStructdbError } from '../core/unexpected.ts';
import type { Session } from './session.ts';

/**
 * Runs what a schedule runs, and tells its outcome as backup.onSuccess and backup.onFailure want it, whatever it is.
 * `labelsOf` undefined: a run that found nothing to do is told nobody.
 */
export async function told<Outcome extends { readonly verdict: StructdbError | undefined }>(
  session: Session,
  event: 'backup' | 'drill',
  labelsOf: (outcome: Outcome) => readonly string[] | undefined,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  const { onSuccess, onFailure } = (await session.config()).backup;
  const { clock } = session.context;
  const started = clock.monotonicMs();
  const tell = async (labels: readonly string[], error: StructdbError | undefined) => {
    const { notify } = await import('../programs/notify.ts');
    const outcome = {
      event,
      ok: error === undefined,
      labels,
      errorCode: error?.code ?? null,
      errorMessage: error?.message ?? null,
      durationMs: clock.monotonicMs() - started,
      host: session.environment.hostName,
    };
    const from = { variables: session.environment.variables, workingDirectory: session.project.root };
    await notify(error ? onFailure : onSuccess, outcome, from, session.context);
  };
  try {
    const outcome = await work();
    const labels = labelsOf(outcome);
    if (labels || outcome.verdict) await tell(labels ?? [], outcome.verdict);
    return outcome;
  } catch (thrown) {
    const interrupted = session.context.signal.aborted;
    await tell([], interrupted ? new StructdbError('INTERRUPTED', 'Interrupted.') : asStructdbError(thrown));
    throw thrown;
  }
}
