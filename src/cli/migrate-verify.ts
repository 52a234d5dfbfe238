import type { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { SchemaDifference, VerifiedMigration, VerifyResult } from '../migrate/index.ts';
import { addIgnore, addMigrationsDir, type IgnoreFlags, type MigrationsFlags, migrationsOf } from './migrate-common.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

interface VerifyFlags extends MigrationsFlags, IgnoreFlags {
  readonly lenient?: boolean;
  readonly privateServer?: boolean;
}

/** `structdb migrate verify` */
export function verifyCommand(shell: Shell) {
  return shell.command<VerifyFlags>({
    name: 'verify',
    summary: 'Compare the database with its migrations: recorded SQL, and the schema that they make',
    details:
      'The applied migrations run in a scratch database of the same server, or on a private server where the role may not\ncreate databases. Exit 4 with each difference.',
    example: 'structdb migrate verify --ignore public.alembic_version',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.interrupted],
    connects: true,
    waits: true,
    configure: (command: Command) =>
      addIgnore(addMigrationsDir(command))
        .option('--lenient', 'white space, comments and the letter case of keywords in migrations do not count')
        .option('--private-server', 'a private server also where the role may create databases'),
    run: async (session, _args, { lenient, ignore, privateServer, ...flags }) => {
      const { describeDifference, judgeVerify, verify } = await import('../migrate/index.ts');
      const registry = await migrationsOf(session, flags);
      const result = await verify(
        {
          registry,
          connection: await session.connection(),
          places: await session.places(),
          lenient: lenient === true,
          ignore: ignore ?? [],
          privateServer: privateServer === true,
        },
        session.context,
      );
      return {
        result,
        human: (style) => renderVerify(result, describeDifference, style),
        verdict: judgeVerify(result),
      };
    },
  });
}

function renderVerify(
  { differences, migrations, mode, scratch }: VerifyResult,
  describe: (difference: SchemaDifference) => string,
  style: Style,
): string {
  if (migrations.length === 0) return 'No migration is applied: nothing to verify.';
  const of = (state: VerifiedMigration['state']) => migrations.filter((migration) => migration.state === state);
  const lines = [`${style.green('✓')} ${of('same').length} of ${migrations.length} as recorded (${mode})`];
  for (const { name } of of('no checksum')) lines.push(`${style.yellow('·')} ${name} has no checksum`);
  for (const { name } of of('edited')) lines.push(`${style.red('✗')} ${name} was edited after it was applied`);
  for (const { name } of of('missing file')) lines.push(`${style.red('✗')} ${name} is not among the migrations`);
  for (const difference of differences) lines.push(`${style.red('✗')} ${describe(difference)}`);
  if (scratch !== null && differences.length === 0) {
    lines.push(`${style.green('✓')} the schema is what the applied migrations make`);
  }
  return lines.join('\n');
}
