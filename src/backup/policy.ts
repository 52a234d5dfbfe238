import { walStoreName } from '../config/store-names.ts';
import type { RunContext } from '../core/context.ts';
import { interrupted } from '../core/context.ts';
import { EXIT, messageOf, StructdbError } from '../core/errors.ts';
import type { BackupKind } from '../repository/label.ts';
import type { Tier } from '../repository/manifest.ts';
import type { Store } from '../storage/store.ts';
import { type PruneResult, pruneBackups } from './prune.ts';
import { type BackupOptions, type BackupResult, readDue, runDueBackup } from './run.ts';
import { type Task, tasksOf } from './tiers.ts';

export interface PolicyOptions extends Pick<BackupOptions, 'connection' | 'places' | 'policy' | 'actor'> {
  /** Opens a store by its name in the configuration. */
  readonly openStore: (name: string) => Promise<Store>;
}

/** What became of one kind and store. */
export interface TaskResult {
  readonly kind: BackupKind;
  /** The name of the store. */
  readonly store: string;
  readonly tiers: readonly Tier[];
  /** Of these, what is due, or was until this run. */
  readonly due: readonly Tier[];
  readonly made: BackupResult | null;
  /** The backup that satisfies the current period, when nothing was due. */
  readonly satisfiedBy: string | null;
  /** Why nothing was made although a tier is due that no configuration asks for. */
  readonly leftOut: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
}

export interface PolicyResult {
  /** Of the daily tier: what was made, or the label that satisfies the current day. */
  readonly made: BackupResult | null;
  readonly satisfiedBy: string | null;
  readonly tasks: readonly TaskResult[];
  /** What retention did afterwards; null when nothing was made. */
  readonly pruned: PruneResult | null;
}

export interface PolicyOutcome {
  readonly result: PolicyResult;
  /** The first failure, when something failed. */
  readonly verdict: StructdbError | undefined;
}

/** Why a backup that nobody asked for by configuration is left out, and no failure. */
const NOT_GIVEN: ReadonlySet<string> = new Set([
  'PERMISSION_DENIED',
  'AUTHENTICATION_FAILED',
  'SERVER_UNSUITABLE',
  'PROGRAM_MISSING',
  'PROGRAM_TOO_OLD',
]);

/**
 * The cron line: for each kind and store, one backup satisfies every tier that is due. One that fails does not keep the
 * others from being tried. Afterwards retention runs. Base backups that no configuration asks for are made where the
 * server and the role allow them; where they do not, that is told and no failure.
 * @throws INTERRUPTED; everything else is in the outcome
 */
export async function runDueBackups(options: PolicyOptions, context: RunContext): Promise<PolicyOutcome> {
  const tasks: TaskResult[] = [];
  const failures: StructdbError[] = [];
  for (const task of tasksOf(options.policy)) {
    try {
      tasks.push(await carryOut(task, options, context));
    } catch (error) {
      if (context.signal.aborted) throw interrupted();
      const failure = asFailure(error);
      failures.push(failure);
      tasks.push({ ...emptyResult(task), error: describeError(failure) });
    }
  }
  let pruned: PruneResult | null = null;
  if (tasks.some(({ made }) => made)) {
    try {
      pruned = await pruneAfterwards(options, context);
    } catch (error) {
      if (context.signal.aborted) throw interrupted();
      failures.push(asFailure(error));
    }
  }
  return { result: summarise(tasks, pruned), verdict: verdictOf(failures) };
}

/** What `structdb backup` would make now. Writes nothing and takes no lease. @throws what opening and reading throws */
export async function checkDue(options: PolicyOptions, context: RunContext): Promise<PolicyOutcome> {
  const tasks: TaskResult[] = [];
  const due: string[] = [];
  for (const task of tasksOf(options.policy)) {
    const given = await backupOptions(task, options);
    const found = await readDue(given, context);
    tasks.push({ ...emptyResult(task), ...found });
    // What nobody asked for is promised by nobody.
    if (!task.implied) due.push(...found.due.map((tier) => `the ${tier} ${task.kind} in ${task.store}`));
  }
  const verdict =
    due.length === 0
      ? undefined
      : new StructdbError(
          'BACKUP_DUE',
          `${due.join(', ').replace(/^t/, 'T')} ${due.length === 1 ? 'is' : 'are'} due.`,
          {
            hint: 'Make it: structdb backup',
          },
        );
  return { result: summarise(tasks, null), verdict };
}

async function carryOut(task: Task, options: PolicyOptions, context: RunContext): Promise<TaskResult> {
  try {
    const { made, satisfiedBy } = await runDueBackup(await backupOptions(task, options), context);
    return { ...emptyResult(task), due: made?.tiers ?? [], made, satisfiedBy };
  } catch (error) {
    if (!task.implied || !(error instanceof StructdbError) || !NOT_GIVEN.has(error.code)) throw error;
    const message = `No ${task.kind} backup is made: ${error.message}`;
    const hint = `${error.hint ?? ''} Or name what you want under backup.weekly and backup.monthly.`.trim();
    context.report({ kind: 'notice', message, hint });
    return { ...emptyResult(task), leftOut: error.message };
  }
}

async function backupOptions(task: Task, { openStore, ...options }: PolicyOptions): Promise<BackupOptions> {
  const { policy } = options;
  const store = await openStore(task.store);
  const walStore = task.kind === 'dump' ? undefined : await openStore(walStoreName(policy));
  return { ...options, kind: task.kind, store, storeName: task.store, walStore };
}

/** Another prune that runs does this one's work. */
async function pruneAfterwards(options: PolicyOptions, context: RunContext): Promise<PruneResult | null> {
  try {
    return await pruneBackups(options, context);
  } catch (error) {
    if (!(error instanceof StructdbError) || error.code !== 'LOCKED') throw error;
    context.report({ kind: 'notice', message: `Nothing was pruned: ${error.message}` });
    return null;
  }
}

function emptyResult({ kind, store, tiers }: Task): TaskResult {
  const names = tiers.map(({ tier }) => tier);
  return { kind, store, tiers: names, due: [], made: null, satisfiedBy: null, leftOut: null, error: null };
}

function summarise(tasks: readonly TaskResult[], pruned: PruneResult | null): PolicyResult {
  const daily = tasks.find(({ made, satisfiedBy, tiers }) => tiers.includes('daily') && (made || satisfiedBy));
  return { made: daily?.made ?? null, satisfiedBy: daily?.satisfiedBy ?? null, tasks, pruned };
}

/** A failure outweighs a lock: somebody else is about to make what is locked. */
function verdictOf(failures: readonly StructdbError[]): StructdbError | undefined {
  const worst = failures.find(({ exitCode }) => exitCode !== EXIT.locked) ?? failures[0];
  if (!worst || failures.length === 1) return worst;
  const others = new Set(failures.map(({ message }) => message).filter((message) => message !== worst.message));
  return new StructdbError(worst.code, worst.message, {
    ...(worst.hint === undefined ? {} : { hint: worst.hint }),
    cause: worst,
    details: [...worst.details, ...others],
  });
}

function asFailure(error: unknown): StructdbError {
  return error instanceof StructdbError ? error : new StructdbError('INTERNAL', messageOf(error), { cause: error });
}

function describeError({ code, message, hint }: StructdbError): TaskResult['error'] {
  return { code, message, hint: hint ?? null };
}
