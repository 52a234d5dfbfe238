import { writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { structdb } from '../support/cli.ts';
import { urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { fill } from './support.ts';

const server = useServer();
const scratch = await scratchDirectory();

it('structdb backup makes what is due, once; list and show need no server', async () => {
  const database = await server.createOwnedDatabase();
  await fill(database, 10);
  const cwd = await mkdtemp(path.join(scratch, 'cli-'));
  writeFileSync(
    path.join(cwd, 'structdb.config.ts'),
    `export default { stores: { local: { type: 'directory', path: './store' } } };`,
  );
  const first = await structdb(['backup', '--url', urlOf(database), '--json'], { cwd });
  expect(first).toMatchObject({
    exitCode: 0,
    json: { command: 'backup', ok: true, result: { made: { rows: 110, tiers: ['daily'] } } },
  });
  const again = await structdb(['backup', '--url', urlOf(database)], { cwd });
  const { label } = first.json.result.made;
  expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`Nothing is due: ${label}`) });
  const list = await structdb(['backup', 'list', '--json'], { cwd });
  expect(list.json.result.backups).toMatchObject([{ label, rows: 110, verification: { ok: true } }]);
  const show = await structdb(['backup', 'show', label], { cwd });
  expect(show.stdout).toContain('public.noise  10 rows');
  expect(`${first.stdout}${show.stdout}`).not.toContain(database.password);
  const missing = await structdb(['backup', 'show', 'no-such'], { cwd });
  expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('structdb backup list') });
});
