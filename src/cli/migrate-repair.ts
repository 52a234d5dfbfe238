import { EXIT, StructdbError } from '../core/errors.ts';
import type { Repair, RepairResult } from '../migrate/index.ts';
import { addMigrationsDir, type MigrationsFlags, migrationsOf } from './migrate-common.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

interface RepairFlags extends MigrationsFlags {
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

/** `structdb migrate repair` */
export function repairCommand(shell: Shell) {
  return shell.command<RepairFlags>({
    name: 'repair [names...]',
    summary: 'After a deliberate edit: record the SQL and checksum that applied migrations have now',
    details:
      'Tells what it would change, and asks. Only the record changes, not the schema; pending ones are left alone.',
    example: 'structdb migrate repair 003',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.locked, EXIT.interrupted],
    connects: true,
    waits: true,
    destructive: true,
    configure: (command) =>
      addMigrationsDir(command)
        .option('--all', 'every applied migration that was edited')
        .option('--dry-run', 'only tell what would be changed'),
    run: async (session, [names], { all, dryRun, ...flags }) => {
      const migrations = chosen((names as string[] | undefined) ?? [], all === true);
      const { repair } = await import('../migrate/index.ts');
      const registry = await migrationsOf(session, flags);
      const connection = await session.connection();
      const preview = await repair({ connection, registry, migrations, dryRun: true }, session.context);
      if (dryRun || preview.repaired.length === 0) {
        const result = { ...preview, dryRun: dryRun === true };
        return { result, human: (style) => renderRepair(result, style) };
      }
      await session.confirm({
        losses: preview.repaired.map(told),
        ask: `Record ${preview.repaired.map(({ name }) => name).join(', ')} in database "${connection.database}" with the SQL of now?`,
      });
      const result = await repair(
        { connection, registry, migrations: preview.repaired.map(({ name }) => name) },
        session.context,
      );
      return { result, human: (style) => renderRepair(result, style) };
    },
  });
}

function chosen(names: readonly string[], all: boolean): readonly string[] | 'all' {
  if (all !== names.length > 0) return all ? 'all' : names;
  throw new StructdbError('USAGE', all ? 'Give names or --all, not both.' : 'Which migrations? Give names, or --all.', {
    hint: 'The edited ones: structdb migrate status',
  });
}

function renderRepair({ repaired, unchanged, withoutChecksum, dryRun }: RepairResult, style: Style): string {
  const lines = repaired.map((one) => `${dryRun ? style.yellow('·') : style.green('✓')} ${told(one)}`);
  if (unchanged.length > 0) lines.push(`${style.green('✓')} recorded as they are: ${unchanged.join(', ')}`);
  for (const name of withoutChecksum) lines.push(`${style.yellow('·')} ${name} has no checksum: nothing to correct`);
  const count = `${repaired.length} ${repaired.length === 1 ? 'record' : 'records'}`;
  if (repaired.length === 0) lines.push('Nothing to repair.');
  else lines.push(dryRun ? `${count} would be corrected.` : `Corrected ${count}.`);
  return lines.join('\n');
}

function told({ name, recorded, checksum, line, before, after }: Repair): string {
  const short = (hash: string) => hash.slice(0, 12);
  const text = (content: string | null) => (content === null ? 'the end' : `"${content.trim().slice(0, 80)}"`);
  const where = line === null ? 'the same SQL' : `line ${line}: ${text(before)} becomes ${text(after)}`;
  return `${name}: checksum ${short(recorded)} becomes ${short(checksum)}; ${where}`;
}
