import path from 'node:path';
import type { Command } from 'commander';
import type { AgainstResult, RunPlaces, StoredRun } from '../bench/index.ts';
import { messageOf } from '../core/errors.ts';
import type { Session } from './session.ts';

/** Flags of a run whose result is kept. */
export interface StoreFlags {
  readonly saveBaseline?: string;
}

export function addStoreFlags(command: Command): void {
  command.option(
    '--save-baseline <name>',
    'keep the result as benchmarks/baselines/<name>.json too, or in a file: path/x.json',
  );
}

/** Refuses a name that cannot be one before minutes of measuring. @throws USAGE */
export async function wishedBaseline(session: Session, { saveBaseline }: StoreFlags): Promise<void> {
  if (saveBaseline === undefined) return;
  const { baselineFile } = await import('../bench/store/run-store.ts');
  baselineFile(saveBaseline, placesOf(session));
}

/** Stores a run and says where. One that cannot be stored is still printed; a baseline that was asked for must be written. */
export async function keepRun(
  session: Session,
  run: StoredRun,
  { saveBaseline: wished }: StoreFlags,
): Promise<{ readonly stored: string | null; readonly baseline?: string }> {
  const { storeRun, saveBaseline } = await import('../bench/index.ts');
  const places = placesOf(session);
  const stored = await kept(
    session,
    () => storeRun(run, places),
    'bench compare and bench report do not find this run',
  );
  if (wished === undefined) return { stored };
  const baseline = await saveBaseline(run, wished, places);
  tell(session, 'Saved the baseline', baseline);
  return { stored, baseline };
}

/** The same of two sides that were timed in turns: where it is kept. */
export async function keepAgainst(session: Session, result: AgainstResult): Promise<string | null> {
  const { storeAgainst } = await import('../bench/index.ts');
  return kept(session, () => storeAgainst({ result }, placesOf(session)), 'bench report does not find it');
}

async function kept(session: Session, store: () => Promise<string>, without: string): Promise<string | null> {
  try {
    const file = await store();
    tell(session, 'Stored as', file);
    return file;
  } catch (error) {
    session.context.report({
      kind: 'warning',
      message: `The result could not be stored: ${messageOf(error)}`,
      hint: `Without it, ${without}.`,
    });
    return null;
  }
}

function tell(session: Session, what: string, file: string): void {
  const relative = path.relative(session.environment.workingDirectory, file);
  session.context.report({ kind: 'notice', message: `${what} ${relative.startsWith('..') ? file : relative}` });
}

export function placesOf(session: Session): RunPlaces {
  return { root: session.project.root, workingDirectory: session.environment.workingDirectory };
}
