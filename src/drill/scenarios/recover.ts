import type { ConnectionSettings } from '../../config/connection.ts';
import type { RunContext } from '../../core/context.ts';
import { listBackups } from '../../repository/backups.ts';
import { openRepository } from '../../repository/repository.ts';
import type { RecoveryTarget, TimelineWish } from '../../restore/index.ts';
import { type FromStoreOptions, recoverNewest } from '../from-store.ts';
import type { Stage } from './stage.ts';

export interface RecoverOptions {
  readonly target?: RecoveryTarget;
  readonly timeline?: TimelineWish;
  /** Where to restore; the directory of the stage by default. */
  readonly directory?: string;
  /** A word of its own for a second recovery on the same stage. */
  readonly name?: string;
  readonly inspect?: FromStoreOptions['inspect'];
  /** Runs when the restore begins to fetch; it goes on afterwards. */
  readonly onFetch?: (() => void) | undefined;
}

/** Recovers from the store of the stage, and notes the phases and what was said. The server ends with the stage. */
export async function recoverFromStore(stage: Stage, options: RecoverOptions = {}): Promise<ConnectionSettings> {
  const { store, template, context } = stage;
  const { target = { kind: 'latest' }, timeline, directory = stage.directory, name = 'restored', inspect } = options;
  const entries = await listBackups(openRepository(store, template.systemIdentifier));
  const from = {
    store,
    walStore: store,
    labels: entries.map(({ label }) => label).reverse(),
    target,
    timeline,
    directory,
    name,
    inspect,
    places: template.options.places,
    onPassedOver: async ({ reason }: { readonly reason: string }) => void stage.said.push(reason),
  };
  const { replay, phases, hole } = await recoverNewest(from, noticing(context, options.onFetch));
  stage.onClose(() => replay.stop());
  if (hole) stage.said.push(hole.message);
  for (const [phase, key] of PHASES) {
    if (phases[key] > 0 || key !== 'passedOverMs') stage.phases[phase] = (stage.phases[phase] ?? 0) + phases[key];
  }
  return replay.connection;
}

/** A context that runs `onFetch`, once, when the restore says that it fetches. */
function noticing(context: RunContext, onFetch: (() => void) | undefined): RunContext {
  let waiting = onFetch;
  const report: RunContext['report'] = (event) => {
    if (event.kind === 'step' && event.step === 'restore.fetch' && waiting) {
      waiting();
      waiting = undefined;
    }
    context.report(event);
  };
  return { ...context, report };
}

const PHASES = [
  ['passed over', 'passedOverMs'],
  ['plan', 'planMs'],
  ['fetch', 'fetchMs'],
  ['start', 'startMs'],
  ['replay', 'replayMs'],
  ['promote', 'promoteMs'],
] as const;
