import type { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { BaselineResult, SchemaDeviation } from '../migrate/index.ts';
import { addMigrationsDir, type MigrationsFlags, migrationsOf } from './migrate-common.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

/** `structdb migrate baseline <name>`: goes on where another tool has built the database. */
export function baselineCommand(shell: Shell): Command {
  return shell.command<MigrationsFlags>({
    name: 'baseline <name>',
    summary: 'Adopt a database that another tool built: record the migrations up to <name> as applied',
    details:
      'Only when the schema is what these migrations make, which is tried in a scratch database of the same server; else the differences are shown. Asks.',
    example: 'structdb migrate baseline 006',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.locked, EXIT.interrupted],
    connects: true,
    waits: true,
    destructive: true,
    configure: addMigrationsDir,
    run: async (session, [wish], flags) => {
      const { compareBaseline, judgeBaseline, recordBaseline } = await import('../migrate/index.ts');
      const registry = await migrationsOf(session, flags);
      const options = { connection: await session.connection(), registry, name: wish as string };
      const compared = await compareBaseline(options, session.context);
      const verdict = judgeBaseline(compared);
      if (verdict) return { result: compared, human: (style) => renderDifferences(compared, style), verdict };
      await session.confirm({
        losses: [],
        ask: `The schema matches. Record ${rangeOf(compared)} as applied in database "${compared.database}"?`,
      });
      const result = await recordBaseline(compared, options, session.context);
      return { result, human: (style) => renderBaseline(result, style) };
    },
  });
}

function rangeOf({ names }: BaselineResult): string {
  return names.length === 1 ? names[0]! : `${names[0]} to ${names.at(-1)}`;
}

function renderBaseline(result: BaselineResult, style: Style): string {
  const stays = result.otherBooks.map(
    ({ tool, table, version }) =>
      `${style.dim('·')} ${table} (${tool}${version === null ? '' : `, at ${version}`}) stays as it is; drop it when ${tool} is no longer used.`,
  );
  return [
    `${style.green('✓')} Recorded ${rangeOf(result)} as applied; the schema was left as it is.`,
    ...stays,
    'From here on: structdb migrate status',
  ].join('\n');
}

function renderDifferences({ differences }: BaselineResult, style: Style): string {
  return differences.map((difference) => renderDifference(difference, style)).join('\n');
}

function renderDifference({ kind, what, name, database, migrations }: SchemaDeviation, style: Style): string {
  const head = `${what} ${style.bold(name)}`;
  if (kind === 'missing') return `${style.red('-')} ${head} is missing${told(what, migrations)}`;
  if (kind === 'extra') return `${style.yellow('+')} ${head} is not of the migrations${told(what, database)}`;
  if (isOpaque(what, database)) return `${style.yellow('~')} ${head} has another definition`;
  return `${style.yellow('~')} ${head} differs\n    the database:   ${database}\n    the migrations: ${migrations}`;
}

/** Of a function the hash of its definition is compared, of a table its kind: no reader wants to see those. */
function isOpaque(what: string, definition: string | null): boolean {
  return what === 'function' && /^[0-9a-f]{64}/.test(definition ?? '');
}

function told(what: string, definition: string | null): string {
  return ['column', 'constraint', 'index', 'setting', 'trigger', 'type'].includes(what) ? `: ${definition}` : '';
}
