import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { copyCheckout } from '../support/checkout.ts';
import { projectRoot } from '../support/cli.ts';
import { urlOf, useServer } from '../support/postgres.ts';
import { scratchDirectory } from '../support/scratch.ts';

const run = promisify(execFile);
const node = process.execPath;
const server = useServer();
let user: string;

/** A project that has the packed structdb among its packages; what it depends on is taken from this checkout. */
beforeAll(async () => {
  const folder = await scratchDirectory();
  const source = path.join(folder, 'source');
  user = path.join(folder, 'user');
  const packages = path.join(user, 'node_modules');
  await mkdir(source);
  await mkdir(path.join(packages, 'structdb'), { recursive: true });
  await copyCheckout(source);
  await symlink(path.join(projectRoot, 'node_modules'), path.join(source, 'node_modules'));
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source });
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))!;
  await run('tar', [
    'x',
    '-z',
    '--strip-components=1',
    '-C',
    path.join(packages, 'structdb'),
    '-f',
    path.join(folder, tarball),
  ]);
  for (const name of await installedNames()) {
    await mkdir(path.dirname(path.join(packages, name)), { recursive: true });
    await symlink(path.join(projectRoot, 'node_modules', name), path.join(packages, name));
  }
  await writeFile(path.join(user, 'package.json'), '{"name":"user","private":true,"type":"module"}\n');
});

/** What npm installs beside structdb: none of the packages that only its own development needs. */
async function installedNames(): Promise<string[]> {
  const lock = JSON.parse(await readFile(path.join(projectRoot, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: true }>>;
  };
  const there = await readdir(path.join(projectRoot, 'node_modules'));
  return Object.entries(lock.packages).flatMap(([place, { dev }]) => {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(place)?.[1];
    return name && !dev && there.includes(name.split('/')[0]!) ? [name] : [];
  });
}

function compiler(files: readonly string[]) {
  const module = 'nodenext';
  return {
    compilerOptions: { strict: true, noEmit: true, target: 'es2024', module, skipLibCheck: false, types: ['node'] },
    files,
  };
}

describe('the packed package', () => {
  it('can be imported entry by entry', async () => {
    const { stdout } = await run(node, [path.join(projectRoot, 'scripts/check-exports.mjs'), user]);

    expect(stdout).toMatch(/^\d+ entries imported, with types/);
  });

  it('has types that a compiler believes', async () => {
    await writeFile(
      path.join(user, 'use.ts'),
      `import { createDatabase, defineConfig } from 'structdb';
import { up } from 'structdb/migrate';
import { restoreDump } from 'structdb/restore';
import { runDrill } from 'structdb/drill';

export const config = defineConfig({ objectives: { rto: '5 minutes' } });
// @ts-expect-error: there is no such objective
defineConfig({ objectives: { speed: '5 minutes' } });

export async function names(url: string): Promise<string[]> {
  const db = await createDatabase({ url });
  const rows = await db.selectFrom('projects').select('name').execute();
  // @ts-expect-error: there is no such table
  db.selectFrom('project');
  await db.destroy();
  return rows.map(({ name }) => name);
}

// @ts-expect-error: a connection is needed
up({});
export const steps: (typeof up | typeof restoreDump | typeof runDrill)[] = [up, restoreDump, runDrill];
`,
    );
    await writeFile(path.join(user, 'tsconfig.json'), JSON.stringify(compiler(['use.ts'])));

    const checked = await run(node, [path.join(projectRoot, 'node_modules/typescript/bin/tsc')], { cwd: user }).catch(
      (error: { stdout: string }) => error,
    );

    expect(checked.stdout).toBe('');
  });

  it('runs the worked example of docs/catalog-library.md, which prints what the page says', async () => {
    const page = await readFile(path.join(projectRoot, 'docs/catalog-library.md'), 'utf8');
    const [example, printed] = [/^```ts\n([\s\S]*?)^```$/m, /^It prints:\n\n```\n([\s\S]*?)^```$/m].map(
      (block) => block.exec(page)![1]!,
    );
    await writeFile(path.join(user, 'example.ts'), example!);
    await writeFile(path.join(user, 'tsconfig.json'), JSON.stringify(compiler(['example.ts'])));
    const checked = await run(node, [path.join(projectRoot, 'node_modules/typescript/bin/tsc')], { cwd: user }).catch(
      (error: { stdout: string }) => error,
    );
    expect(checked.stdout).toBe('');
    const env = { ...process.env, DATABASE_URL: urlOf(await server.createOwnedDatabase()), NODE_NO_WARNINGS: '1' };
    const { stdout } = await run(node, ['example.ts'], { cwd: user, env });
    expect(stdout).toBe(printed);
  });

  it('times the two suites of docs/bench-suites.md, which a compiler believes', async () => {
    const page = await readFile(path.join(projectRoot, 'docs/bench-suites.md'), 'utf8');
    const [typed, plain] = [/^```ts\n([\s\S]*?)^```$/m, /^```sql\n([\s\S]*?)^```$/m].map(
      (block) => block.exec(page)![1]!,
    );
    await mkdir(path.join(user, 'benchmarks'));
    await writeFile(path.join(user, 'benchmarks/billing.ts'), typed!);
    await writeFile(path.join(user, 'benchmarks/invoices.sql'), plain!);
    await writeFile(path.join(user, 'tsconfig.json'), JSON.stringify(compiler(['benchmarks/billing.ts'])));
    const checked = await run(node, [path.join(projectRoot, 'node_modules/typescript/bin/tsc')], { cwd: user }).catch(
      (error: { stdout: string }) => error,
    );
    expect(checked.stdout).toBe('');
    const url = urlOf(await server.createOwnedDatabase('createdb'));
    const program = path.join(user, 'node_modules/structdb/bin/structdb.js');
    const few = ['--projects', '100', '--samples', '20', '--clients', '2', '--url', url, '--json'];
    // 20 samples decide nothing: exit code 6, with all that was measured.
    const { stdout } = await run(node, [program, 'bench', '--suite', 'benchmarks', ...few], { cwd: user }).catch(
      (error: { stdout: string }) => error,
    );
    const { result } = JSON.parse(stdout);
    expect(result.suite).toMatchObject({ name: 'billing+invoices', queries: 4 });
    expect(
      result.points[0].queries.map(({ name, targetMs }: { name: string; targetMs: number }) => [name, targetMs]),
    ).toEqual([
      ['open-projects', 5],
      ['last-drafts', 10],
      ['invoices-of-project', 5],
      ['begun-on-a-day', 50],
    ]);
  });

  it('runs as an installed program: its version, and the plan of its migrations', async () => {
    const program = path.join(user, 'node_modules/structdb/bin/structdb.js');

    const version = await run(node, [program, '--version'], { cwd: user });
    const plan = await run(node, [program, 'migrate', 'plan'], { cwd: user });

    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+/);
    expect(plan.stdout.match(/create table/gi)?.length).toBeGreaterThanOrEqual(7);
  });
});
