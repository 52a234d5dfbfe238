import type { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { BaselineResult } from '../migrate/index.ts';
import { addIgnore, addMigrationsDir, type IgnoreFlags, type MigrationsFlags, migrationsOf } from './migrate-common.ts';
import type { Style } from './output.ts';
import type { Shell } from './shell.ts';

/** `structdb migrate baseline <name>`: goes on where another tool has built the database. */
export function baselineCommand(shell: Shell): Command {
  return shell.command<MigrationsFlags & IgnoreFlags>({
    name: 'baseline <name>',
    summary: 'Adopt a database that another tool built: record the migrations up to <name> as applied',
    details:
      'Only when the schema is what these migrations make, which is tried in a scratch database of the same server; else the differences are shown. Asks.',
    example: 'structdb migrate baseline 006',
    exitCodes: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brokenPromise, EXIT.locked, EXIT.interrupted],
    connects: true,
    waits: true,
    destructive: true,
    configure: (command) => addIgnore(addMigrationsDir(command)),
    run: async (session, [wish], { ignore = [], ...flags }) => {
      const { compareBaseline, describeDifference, judgeBaseline, recordBaseline } = await import(
        '../migrate/index.ts'
      );
      const registry = await migrationsOf(session, flags);
      const options = { connection: await session.connection(), registry, name: wish as string, ignore };
      const compared = await compareBaseline(options, session.context);
      const verdict = judgeBaseline(compared);
      if (verdict) {
        const human = (style: Style) =>
          compared.differences.map((difference) => `${style.red('✗')} ${describeDifference(difference)}`).join('\n');
        return { result: compared, human, verdict };
      }
      await session.confirm({
        losses: [],
        ask: `The schema matches${ignore.length > 0 ? ', but for what is ignored' : ''}. Record ${rangeOf(compared)} as applied in database "${compared.database}"?`,
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
