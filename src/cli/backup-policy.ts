import type { Command } from 'commander';
import type { PolicyOutcome, PrunePlan } from '../backup/index.ts';
import { EXIT } from '../core/errors.ts';
import { renderCheck, renderDue, renderPlan, renderPruned, sumUp } from './backup-policy-text.ts';
import type { Session } from './session.ts';
import type { CommandSpec, Shell } from './shell.ts';
import { actorOf, openStore } from './store.ts';
import { told } from './told.ts';

/** The commands of `structdb backup` that keep the policy: what is due, what may go, what must stay. */
export function policyCommands(shell: Shell): Command[] {
  return [
    shell.command(dueCommand),
    shell.command(pruneCommand),
    shell.command(pinCommand),
    shell.command(unpinCommand),
  ];
}

const dueCommand: CommandSpec<{ check?: boolean }> = {
  name: 'due',
  summary: 'make every backup that is due (what plain "structdb backup" does: the line for cron)',
  details:
    'A tier is due when its current day, week (from Monday) or month has no backup of its kind in its store; periods begin at\nbackup.daily.at in backup.timeZone. Afterwards what nothing keeps is removed.',
  example: 'structdb backup',
  exitCodes: [
    EXIT.ok,
    EXIT.failed,
    EXIT.usage,
    EXIT.workToDo,
    EXIT.brokenPromise,
    EXIT.locked,
    EXIT.interrupted,
  ] as const,
  connects: true,
  configure: (command) => void command.option('--check', 'make nothing; exit 3 when something is due'),
  run: async (session, _args, { check }) => {
    const { checkDue, runDueBackups } = await import('../backup/index.ts');
    if (check) {
      const { result, verdict } = await checkDue(await policyOptions(session, 'backup --check'), session.context);
      return { result, verdict, human: (style) => renderCheck(result, style) };
    }
    const { result, verdict } = await told(session, 'backup', madeLabels, async () =>
      runDueBackups(await policyOptions(session, 'backup'), session.context),
    );
    return { result, verdict, human: (style) => renderDue(result, style) };
  },
};

const pruneCommand: CommandSpec<{ dryRun?: boolean }> = {
  name: 'prune',
  summary: 'remove backups and WAL that nothing keeps any longer, with the reason for each',
  details:
    'Looks through every store of the configuration, for this database and its cluster. A scheduled backup does the same\nafterwards. Asks before it removes anything.',
  example: 'structdb backup prune --dry-run',
  exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked, EXIT.interrupted],
  connects: true,
  destructive: true,
  configure: (command) => void command.option('--dry-run', 'only tell what would be kept and removed, and why'),
  run: async (session, _args, { dryRun }) => {
    const { planPrune, pruneBackups } = await import('../backup/index.ts');
    const options = await policyOptions(session, 'backup prune');
    const plan = await planPrune(options, session.context);
    if (dryRun) return { result: { dryRun: true, ...plan }, human: (style) => renderPlan(plan, style) };
    const losses = lossesOf(plan);
    if (losses.length > 0) await session.confirm({ losses, ask: `Remove ${sumUp(plan)}?` });
    const result = await pruneBackups(options, session.context, plan);
    return { result: { dryRun: false, ...result }, human: (style) => renderPruned(result, style) };
  },
};

const pinCommand: CommandSpec<{ reason?: string; store?: string }> = {
  name: 'pin <label>',
  summary: 'keep a backup whatever its age; needs no server',
  example: 'structdb backup pin 20261124T020000.000Z-dump-structdb --reason "before the move to v17"',
  exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked],
  configure: (command) =>
    void command
      .option('--reason <text>', 'why, for those who read the list later')
      .option('--store <name>', 'the store that has it (default: the first of the configuration that does)'),
  run: async (session, [label], { reason, store }) => {
    const { pinBackup } = await import('../backup/index.ts');
    const options = await pinOptions(session, String(label), store, 'backup pin');
    const result = await pinBackup({ ...options, reason }, session.context);
    const said = result.changed ? 'stays until it is unpinned' : `was pinned already, at ${result.pin?.at}`;
    return { result, human: (style) => `${style.green('✓')} ${result.label} ${said}` };
  },
};

const unpinCommand: CommandSpec<{ store?: string }> = {
  name: 'unpin <label>',
  summary: 'let retention decide about a pinned backup again; needs no server',
  example: 'structdb backup unpin 20261124T020000.000Z-dump-structdb',
  exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked],
  configure: (command) =>
    void command.option('--store <name>', 'the store that has it (default: the first of the configuration that does)'),
  run: async (session, [label], { store }) => {
    const { unpinBackup } = await import('../backup/index.ts');
    const result = await unpinBackup(await pinOptions(session, String(label), store, 'backup unpin'), session.context);
    const said = result.changed ? 'is no longer pinned' : 'was not pinned';
    return { result, human: (style) => `${style.green('✓')} ${result.label} ${said}` };
  },
};

async function policyOptions(session: Session, command: string) {
  return {
    connection: await session.connection(),
    openStore: (name: string) => openStore(session, name),
    places: await session.places(),
    policy: (await session.config()).backup,
    actor: actorOf(session, command),
  };
}

/** The store that was named, or the first of the configuration that has the backup; the daily one for the message. */
async function pinOptions(session: Session, label: string, named: string | undefined, command: string) {
  const actor = actorOf(session, command);
  if (named !== undefined) return { store: await openStore(session, named), label, actor };
  const { holdsBackup } = await import('../backup/index.ts');
  const { daily, weekly, monthly } = (await session.config()).backup;
  const names = new Set([daily, weekly, monthly].flatMap((tier) => tier?.store ?? []));
  for (const name of names) {
    const store = await openStore(session, name);
    if (await holdsBackup(store, label)) return { store, label, actor };
  }
  return { store: await openStore(session), label, actor };
}

/** Labels of what was made; undefined when nothing was due. */
function madeLabels({ result }: PolicyOutcome): readonly string[] | undefined {
  const labels = result.tasks.flatMap(({ made }) => made?.label ?? []);
  return labels.length > 0 ? labels : undefined;
}

function lossesOf(plan: PrunePlan): string[] {
  return [
    ...plan.backups.filter(({ keep }) => !keep).map(({ label, store, reason }) => `${label} in ${store} (${reason})`),
    ...plan.wal
      .filter(({ keep }) => !keep)
      .map(({ first, last, segments, store }) => `WAL ${first} to ${last} in ${store} (${segments} segments)`),
  ];
}
