import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';

/** What a new migration is made from. */
export interface Template {
  /** Of the new file, with the dot. */
  readonly extension: string;
  /** `{{number}}` and `{{name}}` stand for those of the new migration. */
  readonly text: string;
}

/** The links in the comments are uses: a compiler that refuses unused names takes the file as it is. */
const TYPESCRIPT = `import { type Kysely, sql } from 'kysely';

// What holds for this migration alone, where it is needed:
// export const config = {
//   lockTimeout: '2s', // how long a statement waits for a lock, instead of --lock-timeout
//   statementTimeout: '1min', // how long a statement may run
//   transaction: false, // each statement by itself, as CREATE INDEX CONCURRENTLY needs it
//   irreversible: 'why there is no way back', // then without down
// };

/** With {@link sql}, or with the schema builder of {@link db}. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // await sql\`create table public.rooms (room_id uuid primary key)\`.execute(db);
}

/** Takes back all of up, last first; with {@link db} as above. */
export async function down(db: Kysely<unknown>): Promise<void> {
  // await sql\`drop table public.rooms\`.execute(db);
}
`;

const SQL = `-- Options of a section stand behind its mark, each for that section alone:
--   lock_timeout:2s         how long a statement waits for a lock, instead of --lock-timeout
--   statement_timeout:1min  how long a statement may run
--   transaction:false       each statement by itself, as CREATE INDEX CONCURRENTLY needs it

-- migrate:up

-- migrate:down
-- Takes back all of up, last first. Where there is no way back, a line says why instead:
--   -- migrate:irreversible <reason>
`;

export const TEMPLATES = Object.freeze({
  typescript: { extension: '.ts', text: TYPESCRIPT },
  sql: { extension: '.sql', text: SQL },
}) satisfies Readonly<Record<string, Template>>;

/**
 * A template of one's own; its extension is that of the new file.
 * @throws USAGE for a file that is no migration by its name, FILE_MISSING, FILE_UNREADABLE
 */
export async function readTemplate(file: string): Promise<Template> {
  const extension = path.extname(file);
  if (!/^\.(ts|mts|js|mjs|sql)$/.test(extension)) {
    throw new StructdbError('USAGE', `The template ${file} is not a .ts, .mts, .js, .mjs or .sql file.`, {
      hint: 'The new migration gets the extension of its template.',
    });
  }
  try {
    return { extension, text: await readFile(file, 'utf8') };
  } catch (cause) {
    const hint = 'Correct the path of the template, or leave it out.';
    if (codeOf(cause) === 'ENOENT')
      throw new StructdbError('FILE_MISSING', `There is no template ${file}.`, { cause, hint });
    throw new StructdbError('FILE_UNREADABLE', `Cannot read the template ${file}: ${messageOf(cause)}.`, {
      cause,
      hint,
    });
  }
}

export function fill({ text }: Template, values: { readonly number: string; readonly name: string }): string {
  return text.replace(/\{\{\s*(number|name)\s*\}\}/g, (_, key: 'number' | 'name') => values[key]);
}
