import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SCENARIO_NAMES, type ScenarioResult } from '../../src/drill/index.ts';
import { scenarios } from '../../src/drill/scenarios/all.ts';
import { playScenario, withTemplate } from '../../src/drill/scenarios/run.ts';
import type { Template } from '../../src/drill/scenarios/template.ts';
import { temporaryRoot } from '../../src/programs/own-directory.ts';
import { structdb } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { testPlaces } from '../support/environment.ts';
import { newProject } from '../support/project.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { deviationsBesidesTime, drillDirectoriesOf } from './support.ts';

const scratch = await scratchDirectory();
const objectives = { rto: 15 * 60_000, rpo: 5 * 60_000 };

let template: Template;
let release = () => {};
let released: Promise<unknown>;

beforeAll(async () => {
  await new Promise<void>((resolve, reject) => {
    released = withTemplate({ places: testPlaces() }, testContext(), async (made) => {
      template = made;
      resolve();
      await new Promise<void>((end) => {
        release = end;
      });
    }).catch(reject);
  });
});

afterAll(async () => {
  release();
  await released;
});

/** Why each control must fail, and nothing else. */
const FAILS: Readonly<Record<string, RegExp>> = {
  'server-killed': /^\d+ acknowledged rows? of .* lost; the limit is none$/,
  'data-directory-lost': /^20 acknowledged rows lost that were to be in the store by then$/,
  'table-dropped': /^\d+ acknowledged rows lost although the store had the WAL of them$/,
  // A byte of a header stops the unpacking before the whole archive is compared with its SHA-256.
  'backup-corrupt': /^not recovered: base\.tar\.zst of backup .* (was altered|is no whole archive of pg_basebackup)/,
  'wal-lost': /^\d+ acknowledged rows lost although the store had the WAL of them$/,
  'store-unreachable': /^\d+ acknowledged rows lost that were to be in the store by then$/,
  failover: /^\d+ acknowledged rows lost although the store had the WAL of them$/,
  'disk-full': /^not recovered: The restore takes .* and .* has .* left/,
  'server-and-receiver-lost': /^\d+ acknowledged rows of .* lost; the limit is 2\.0 s$/,
};

describe.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (name, scenario) => {
  let good: ScenarioResult;
  let control: ScenarioResult;

  beforeAll(async () => {
    // Beside each other: most of the time both wait for rows.
    [good, control] = (await Promise.all(
      [false, true].map((unprotected) => playScenario(template, scenario, { objectives, unprotected }, testContext())),
    )) as [ScenarioResult, ScenarioResult];
  });

  it('is recovered as promised, row by row', () => {
    expect(deviationsBesidesTime(good)).toEqual([]);
    expect(good.losses).toMatchObject({ lostArchived: 0, lostSecured: 0, damaged: [] });
    if (!good.played) return;
    const { acknowledged, recovered, lost } = good.losses;
    // Nothing at all, or less than without the protection.
    if (!good.ok) expect(lost).toBeLessThan(control.losses.lost);
    expect(recovered).toBeGreaterThan(0);
    expect(recovered + lost).toBe(acknowledged);
    const phases = Object.values(good.rto.phases).reduce((sum, ms) => sum + ms, 0);
    expect(Object.keys(good.rto.phases).at(-1)).toMatch(/^(first write|other)$/);
    // Each phase is rounded by itself, and nothing that is counted twice hides in it.
    expect(Math.abs(good.rto.measuredMs - phases)).toBeLessThanOrEqual(Object.keys(good.rto.phases).length);
    expect(good.events.map((event) => event.name)).toEqual(expect.arrayContaining(['load', 'broken', 'recovered']));
  });

  it(`fails without its protection (${scenario.protection})`, () => {
    if (!control.played) return;
    expect(control.ok).toBe(false);
    expect(control.deviations.filter((line) => !line.startsWith('none of '))[0]).toMatch(FAILS[name]!);
  });
});

describe('structdb dr-test --scenario', () => {
  it('that is killed leaves what the next one removes; that one leaves evidence, reports and nothing else', async () => {
    const cwd = await newProject(scratch);
    const killed = await structdb(['dr-test', '--scenario', 'server-killed', '--verbose'], {
      cwd,
      onStderr: (soFar, child) => /server-killed: .* …/.test(soFar) && child.kill('SIGKILL'),
    });
    expect(killed.exitCode).toBe(256);
    const [directory] = drillDirectoriesOf(killed.pid!);
    const file = path.join(temporaryRoot(), directory!, 'template/socket-directory');
    const sockets = readFileSync(file, 'utf8').trim();
    expect(existsSync(sockets)).toBe(true);
    const flags = ['--scenario', 'server-killed', '--json', '--junit', 'a.xml', '--html', 'a.html'];
    const run = await structdb(['dr-test', ...flags], { cwd });
    expect(run).toMatchObject({
      exitCode: 0,
      json: { command: 'dr-test', ok: true, result: { kind: 'scenarios', verdict: { ok: true } } },
    });
    for (const { pid } of [killed, run]) {
      expect(drillDirectoriesOf(pid!)).toEqual([]);
      const running = readdirSync('/proc').filter((each) =>
        new RegExp(`structdb-drill-\\d+-${pid}-`).test(commandOf(each)),
      );
      expect(running).toEqual([]);
    }
    expect(existsSync(sockets)).toBe(false);
    const { evidence, ...record } = run.json.result;
    expect(record.scenarios).toMatchObject([{ name: 'server-killed', ok: true, losses: { lost: 0 } }]);
    expect(JSON.parse(readFileSync(path.join(cwd, 'store', evidence), 'utf8'))).toEqual(record);
    expect(readFileSync(path.join(cwd, 'a.xml'), 'utf8')).toContain('<testcase classname="server-killed" name="RTO"');
    expect(readFileSync(path.join(cwd, 'a.html'), 'utf8')).toContain('server-killed');
  });

  it('knows its names, and takes no flag of another drill', async () => {
    const unknown = await structdb(['dr-test', '--scenario', 'server-kiled']);
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toContain('server-killed');
    const help = await structdb(['dr-test', 'run', '--help']);
    for (const name of SCENARIO_NAMES) expect(help.stdout).toContain(`"${name}"`);
    expect(scenarios.map(({ name }) => name)).toEqual(SCENARIO_NAMES);
    const both = await structdb(['dr-test', '--scenario', 'all', '--label', 'x']);
    expect(both.exitCode).toBe(2);
  });
});

function commandOf(pid: string): string {
  try {
    return /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
  } catch {
    return '';
  }
}
