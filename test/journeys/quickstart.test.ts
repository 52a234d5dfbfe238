import { execFile, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { exists } from '../../src/config/project.ts';
import { newCheckout, newFolder } from '../devdb/support.ts';
import { copyCheckout } from '../support/checkout.ts';
import { type CliResult, projectRoot } from '../support/cli.ts';

const isRoot = process.geteuid?.() === 0;

describe('npm run quickstart', () => {
  it('proves a database from nothing, in a deep checkout that only its owner can enter; again, it uses what is there', async () => {
    const hidden = path.join(await newFolder(), 'q'.repeat(120));
    await mkdir(hidden, { mode: 0o700 });
    const checkout = await newCheckout({}, hidden);
    await cloneInto(checkout.directory);

    const first = await npmRun(checkout.directory, 'quickstart', '--', '--json');

    expect(first.stderr).not.toContain('installing');
    expect(first.exitCode).toBe(0);
    const { server, schema, catalogs, sample, bench, backup, drill } = first.json.result;
    expect(server).toMatchObject({ state: 'created', embedded: false });
    if (isRoot) expect(server.directory).toMatch(/^\/var\/lib\/structdb\//);
    expect(schema).toMatchObject({ current: '006_envelope_support', pending: [] });
    expect(catalogs.editions).toContainEqual(
      expect.objectContaining({ standard: 'AISC', edition: 'v16.0', unitSystem: 'SI', rows: 2299 }),
    );
    expect(sample).toMatchObject({ projects: 10_000, payloads: 10_000, events: 30_000 });
    const classes = bench.points[0].classes.map((one: { class: string }) => one.class);
    expect(classes).toEqual(['simple', 'complex', 'aggregation']);
    // Kept like any other run, for reports and the monitor.
    const stored = await checkout.run(['bench', 'report', '--json']);
    expect(stored.json.result).toMatchObject({ id: bench.id });
    expect(backup.rows).toBeGreaterThan(54_000);
    expect(drill).toMatchObject({ label: backup.label, verdict: { ok: true }, rto: { met: true }, rows: backup.rows });

    const second = await npmRun(checkout.directory, 'quickstart');
    expect(second.exitCode).toBe(0);
    for (const line of [/schema +006_envelope_support, as it was/, /10,000 projects/, /RTO .* met/, /Try next/]) {
      expect(second.stdout).toMatch(line);
    }
    expect(second.stderr).toContain('there already: nothing to do');
    const listed = await checkout.run(['backup', 'list', '--json']);
    expect(listed.json.result.backups).toHaveLength(2);
    expect(listed.json.result.backups).toContainEqual(
      expect.objectContaining({
        label: backup.label,
        verification: expect.objectContaining({ method: 'drill', ok: true }),
      }),
    );
    const archived = await checkout.run(['dev', 'status', '--json']);
    expect(archived.json.result.wal).toMatchObject({ failedCount: 0, lastFailed: null });
    expect(archived.json.result.wal.segments).toBeGreaterThan(0);
  }, 300_000);

  it('runs up to the benchmark on npm’s embedded server, then says what to install', async () => {
    const checkout = await newCheckout();

    const { exitCode, stdout, stderr } = await checkout.run(['quickstart'], { env: { STRUCTDB_PROGRAMS: 'embedded' } });

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/queries +\d+ timed/);
    expect(stdout).not.toMatch(/RTO/);
    expect(stderr).toMatch(
      /embedded server has no pg_dump[^\n]*\n[^\n]*apt-get install postgresql|brew install postgresql/,
    );
    expect(await exists(path.join(checkout.directory, '.structdb', 'store', 'backups'))).toBe(false);
  });
});

/** The files of this checkout, and its installed packages as second names of the same files. */
async function cloneInto(directory: string): Promise<void> {
  await copyCheckout(directory);
  const sh = (script: string) =>
    promisify(execFile)('bash', ['-c', script, 'bash', projectRoot, directory], { maxBuffer: 1e8 });
  await sh('cp -al "$1/node_modules" "$2/node_modules" 2>/dev/null || cp -a "$1/node_modules" "$2/"');
  // Whatever installed them here: set-up has nothing to do there.
  await sh('cp --remove-destination "$2/package-lock.json" "$2/node_modules/.structdb-lock"');
}

async function npmRun(cwd: string, script: string, ...args: string[]): Promise<CliResult> {
  const child = spawn('npm', ['run', '--silent', script, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exitCode = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 256)));
  return { exitCode, stdout, stderr, json: args.includes('--json') ? JSON.parse(stdout) : undefined };
}
