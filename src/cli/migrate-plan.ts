import type { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { formatBytes, formatCount } from '../core/units.ts';
import type { PlannedLock, PlannedMigration, StatementEffects } from '../migrate/index.ts';
import { addMigrationsDir, type MigrationsFlags, migrationsOf } from './migrate-common.ts';
import type { Shell } from './shell.ts';

interface PlanFlags extends MigrationsFlags {
  readonly down?: boolean;
  readonly to?: string;
  readonly database?: boolean;
  readonly url?: string;
  readonly wait?: string | true;
}

/** `structdb migrate plan`: what would run, and whom it would keep waiting. */
export function planCommand(shell: Shell): Command {
  return shell.command<PlanFlags>({
    name: 'plan [names...]',
    summary: 'Print the SQL of the migrations and what it locks, without needing a database',
    details:
      'With --database, --url or --wait: only what would run there, with rows and sizes. The session is read-only and locks nothing.',
    example: 'structdb migrate plan --database',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.interrupted],
    connects: true,
    waits: true,
    configure: (command) =>
      addMigrationsDir(command)
        .option('--database', 'only what would run in the database')
        .option('--to <name>', 'until this migration is the last applied one')
        .option('--down', 'the ways back, last first; with a database the one of the last applied migration'),
    run: async (session, [names], { down, to, database, url, wait, ...flags }) => {
      const { plan, planDatabase } = await import('../migrate/index.ts');
      const options = {
        registry: await migrationsOf(session, flags),
        names: (names as string[] | undefined) ?? [],
        direction: down ? ('down' as const) : ('up' as const),
        ...(to === undefined ? {} : { to }),
      };
      if (database || url !== undefined || wait !== undefined) {
        const result = await planDatabase({ ...options, connection: await session.connection() }, session.context);
        return { result, human: () => renderPlan(result.migrations) || nothing(result.database, result.current) };
      }
      const migrations = await plan(options);
      return { result: { migrations }, human: () => renderPlan(migrations) };
    },
  });
}

/** The plan stays SQL that psql can run: all that is told beside it is a comment. */
export function renderPlan(planned: readonly PlannedMigration[]): string {
  return planned
    .map(({ name, direction, transactional, statements, effects }) => {
      const how = transactional
        ? 'one transaction: every lock is held until its end'
        : 'no transaction: each statement by itself';
      const body = statements.map((statement, index) => `${renderEffects(effects[index]!)}\n${terminated(statement)}`);
      return [comment(`${name} (${direction}), ${how}`), ...body].join('\n');
    })
    .join('\n\n');
}

/** A comment at the end would swallow the semicolon. */
function terminated(statement: string): string {
  const last = statement.slice(statement.lastIndexOf('\n') + 1);
  return last.includes('--') ? `${statement}\n;` : `${statement};`;
}

function renderEffects({ locks, unknown }: StatementEffects): string {
  const lines = locks.map(renderLock);
  if (unknown !== null) lines.push(unknown);
  if (lines.length === 0) lines.push('locks nothing that others use');
  return lines.map((line) => comment(`  ${line}`)).join('\n');
}

/** Where it matters that the lock is short. */
const BLOCKS_WRITES: ReadonlySet<string> = new Set(['SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE']);

/** `ACCESS EXCLUSIVE on public.projects (10,000 rows, 4.2 MiB): blocks reads and writes; rewrites the table` */
function renderLock({ mode, relation, rows, sizeBytes, blocks, work, notes }: PlannedLock): string {
  const amounts = [
    ...(rows === null ? [] : [`about ${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`]),
    ...(sizeBytes === null ? [] : [formatBytes(sizeBytes)]),
  ];
  const size = amounts.length > 0 ? ` (${amounts.join(', ')})` : '';
  const none = BLOCKS_WRITES.has(mode) ? ['neither reads nor rewrites the table'] : [];
  const does = { none, scans: ['reads every row'], rewrites: ['rewrites the table'] }[work];
  return `${mode} on ${relation}${size}: ${[blocks, ...does, ...notes].join('; ')}`;
}

/** A name may hold a line break. */
function comment(text: string): string {
  return `-- ${text.replace(/[\r\n]+/g, ' ')}`;
}

function nothing(database: string, current: string | null): string {
  return comment(`nothing would run: database ${database} is at ${current ?? 'no migration'}`);
}
