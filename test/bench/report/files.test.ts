import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Chalk } from 'chalk';
import { toHtml, toJUnit, toMarkdown } from '../../../src/bench/report/index.ts';
import { storeRun } from '../../../src/bench/store/run-store.ts';
import { renderBench } from '../../../src/cli/bench-text.ts';
import { structdb } from '../../support/cli.ts';
import { attribute, elementsOf } from '../../support/markup.ts';
import { urlOf, useServer } from '../../support/postgres.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { ASKED, reportOfPoints } from './support.ts';

const server = useServer();
const NOWHERE = 'postgres://nobody@127.0.0.1:1/x';
const SMALL = ['--projects', '20', '--samples', '20', '--max-samples', '20', '--clients', '1'];

async function filesOf(folder: string): Promise<{ flags: string[]; text: (name: string) => Promise<string> }> {
  const file = (name: string) => path.join(folder, name);
  return {
    flags: ['--junit', file('bench.xml'), '--markdown', file('bench.md'), '--html', file('bench.html')],
    text: (name) => readFile(file(name), 'utf8'),
  };
}

describe('The report files of a benchmark', () => {
  it('are all written by one run, each whole and in place of an older one, a link kept', async () => {
    const folder = await scratchDirectory();
    const { flags, text } = await filesOf(folder);
    await mkdir(path.join(folder, 'kept'));
    await writeFile(path.join(folder, 'kept/old.md'), 'old');
    await symlink('kept/old.md', path.join(folder, 'bench.md'));
    const owner = await server.createOwnedDatabase('createdb');
    const run = await structdb(['bench', '--url', urlOf(owner), ...SMALL, ...flags]);
    // 20 samples decide nothing about a p95.
    expect(run.exitCode).not.toBe(0);
    expect(Number(attribute(elementsOf(await text('bench.xml'))[0]!.attributes, 'errors'))).toBeGreaterThan(12);
    expect(await text('kept/old.md')).toMatch(/^### \S+ Benchmark <code>platform<\/code>/);
    expect(elementsOf(await text('bench.html')).length).toBeGreaterThan(500);
    expect((await readdir(folder)).sort()).toEqual(['bench.html', 'bench.md', 'bench.xml', 'kept']);
  });

  it('say of a run that was interrupted that it was', async () => {
    const { flags, text } = await filesOf(await scratchDirectory());
    const owner = await server.createOwnedDatabase('createdb');
    let sent = false;
    const run = await structdb(
      ['bench', '--verbose', '--url', urlOf(owner), ...SMALL, '--samples', '20000', '--max-samples', '20000', ...flags],
      {
        onStderr: (soFar, child) => {
          if (sent || !soFar.includes('Timing')) return;
          sent = true;
          child.kill('SIGINT');
        },
      },
    );
    expect(run.exitCode).toBe(130);
    expect(Number(attribute(elementsOf(await text('bench.xml'))[0]!.attributes, 'errors'))).toBeGreaterThan(0);
    expect(await text('bench.md')).toMatch(/^### ⚠️ .*Interrupted/);
    expect(await text('bench.html')).toContain('Incomplete');
  });

  it('hold the error when nothing was measured, and only JUnit does', async () => {
    const folder = await scratchDirectory();
    const { flags, text } = await filesOf(folder);
    const run = await structdb(['bench', '--url', NOWHERE, ...flags]);
    expect(run.exitCode).toBe(1);
    expect(await text('bench.xml')).toContain('<error message="');
    expect(await readdir(folder)).toEqual(['bench.xml']);
  });

  it('are refused before anything is done where they cannot be written', async () => {
    const folder = await scratchDirectory();
    const cases: [string[], number, RegExp][] = [
      [
        ['--html', path.join(folder, 'none/x.html')],
        1,
        /There is no folder .*\/none for the report x\.html\.\n.*mkdir -p/,
      ],
      // Not a device, though below /dev.
      [['--html', '/dev/shm/structdb-none/x.html'], 1, /There is no folder \/dev\/shm\/structdb-none/],
      [['--junit', folder], 1, /--junit cannot be written to .*: it is a folder/],
      [['--markdown', '/proc/bench.md'], 1, /--markdown cannot be written to \/proc\/bench\.md/],
      [['--html', path.join(folder, 'x'), '--junit', path.join(folder, 'x')], 2, /name the same file/],
    ];
    for (const [flags, exitCode, said] of cases) {
      const run = await structdb(['bench', '--url', NOWHERE, ...flags]);
      expect([flags, run.exitCode]).toEqual([flags, exitCode]);
      expect(run.stderr).toMatch(said);
    }
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('structdb bench report', () => {
  const { result, raw } = reportOfPoints(ASKED, [{ projects: 10_000, clients: 4 }]);
  const storedRun = { result, raw: raw!.map((queries) => queries.map((each) => ({ ...each, blocks: [0] }))) };

  it('renders the newest stored run, one by its id, and any file, as the run itself was rendered', async () => {
    const cwd = await scratchDirectory();
    const older = { ...storedRun, result: { ...result, id: '20251130T021530Z-0001', verdict: 'pass' as const } };
    await storeRun(older, { root: cwd });
    const file = await storeRun(storedRun, { root: cwd });
    const { flags, text } = await filesOf(cwd);
    const run = await structdb(['bench', 'report', ...flags], { cwd });
    expect([run.exitCode, run.stderr]).toEqual([0, '']);
    expect(run.stdout.match(/✓ /g)).toHaveLength(3);
    expect(await text('bench.html')).toBe(toHtml(storedRun));
    expect(await text('bench.md')).toBe(toMarkdown(storedRun));
    expect(await text('bench.xml')).toBe(toJUnit(storedRun));
    const screen = await structdb(['bench', 'report', file], { cwd: await scratchDirectory() });
    expect([screen.exitCode, screen.stdout]).toEqual([0, `${renderBench(result, new Chalk({ level: 0 }))}\n`]);
    const byId = await structdb(['bench', 'report', '20251130T021530Z-0001', '--json'], { cwd });
    expect(byId.json.result).toMatchObject({ id: '20251130T021530Z-0001', written: [] });
  });

  it('says what there is when there is no such run', async () => {
    const run = await structdb(['bench', 'report', 'nothing']);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('There is no stored run and no baseline "nothing"');
  });
});
