import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { scratchDirectory } from '../support/scratch.ts';

const FILES = {
  'package.json': '{ "type": "module" }',
  'structdb.config.ts': "import { defineConfig } from 'structdb';\nexport default defineConfig({});\n",
  'migrations/001_a.ts': `import { type Kysely, sql } from 'kysely';
import { StructdbError } from 'structdb';
export async function up(db: Kysely<unknown>) {
  await sql.raw(\`create table \${StructdbError.name} ()\`).execute(db);
}
export async function down(db: Kysely<unknown>) {
  await sql\`drop table a\`.execute(db);
}
`,
};

async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await scratchDirectory();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

const PLAN = ['migrate', 'plan', '--migrations-dir', 'migrations', '--json'];

it('a project without packages is lent those of structdb', async () => {
  const run = await structdb(PLAN, { cwd: await project(FILES) });
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  expect(run.json.result.migrations[0].statements).toEqual(['create table StructdbError ()']);
});

it('its own packages come first', async () => {
  const own = {
    'node_modules/kysely/package.json': '{ "name": "kysely", "type": "module", "exports": "./index.js" }',
    'node_modules/kysely/index.js': 'export const nothing = 1;\n',
  };
  const run = await structdb(PLAN, { cwd: await project({ ...FILES, ...own }) });
  expect(run.exitCode).toBe(2);
  expect(JSON.stringify(run.json.error)).toContain(
    "The requested module 'kysely' does not provide an export named 'sql'",
  );
});
