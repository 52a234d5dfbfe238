import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { configSchema } from '../../src/config/schema.ts';
import { periodStart } from '../../src/core/period.ts';
import { localTimes, renderBlock, withBlock, withoutBlock } from '../../src/schedule/crontab.ts';
import { type Job, jobsOf, renderUnits, type UnitSettings } from '../../src/schedule/index.ts';
import { structdb } from '../support/cli.ts';
import { newProject } from '../support/project.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
const now = new Date('2026-11-24T12:00:00Z');
const utc = { timeZone: 'UTC', systemZone: 'UTC', now };
const every = new Set(['backup', 'backup prune', 'dr-test', 'dashboard refresh', 'wal receive', 'monitor serve']);
const jobs = jobsOf(configSchema.parse({}).backup, every);

/** Folders that a shell, cron or systemd could stumble over. */
const ODD = ['plain', 'with blank', "it's 100% odd", 'a "quoted" $HOME', 'ümläut %%n', '-dash;rm & *', 'a`b$(c)'];

async function oddProgram(name: string) {
  const project = path.join(await mkdtemp(path.join(scratch, 'odd-')), name);
  mkdirSync(project);
  const script = path.join(project, 'say.js');
  writeFileSync(
    script,
    `require('node:fs').writeFileSync('said', JSON.stringify({ cwd: process.cwd(), args: process.argv.slice(2) }));`,
  );
  return {
    node: process.execPath,
    script,
    project,
    logFile: path.join(project, 'log'),
    flags: ['--config', 'a % b'],
    writes: [path.join(project, '.structdb'), '/srv/the backups'],
    groupAccess: false,
  };
}

/** What cron does to the sixth field (Debian's do_command.c): `\%` is a percent sign, a bare one ends the command. */
function asCronRuns(line: string): string {
  const command = line.replace(/^(\S+ ){5}/, '');
  const bare = /(?<!\\)%/.exec(command);
  return (bare ? command.slice(0, bare.index) : command).replaceAll('\\%', '%');
}

describe('The lines of cron', () => {
  const [job] = jobs as [Job];

  it.each(ODD)('run in a folder named %s as they are meant', async (name) => {
    const program = await oddProgram(name);
    const line = renderBlock([job], { program, ...utc })
      .split('\n')
      .find((each) => /^\d/.test(each))!;
    execFileSync('/bin/sh', ['-c', asCronRuns(line)], { cwd: '/', env: {} });
    const said = JSON.parse(readFileSync(path.join(program.project, 'said'), 'utf8'));
    expect(said).toEqual({ cwd: realpathSync(program.project), args: [...job.args, ...program.flags] });
    expect(existsSync(program.logFile)).toBe(true);
  });

  (existsSync('/usr/bin/flock') ? it : it.skip)('start what runs always unless it runs', async () => {
    const receive = jobs.find(({ name }) => name === 'receive')!;
    const program = await oddProgram("it's 100% odd");
    const text = renderBlock([receive], { program, ...utc, flock: '/usr/bin/flock' });
    const line = text.split('\n').find((each) => each.startsWith('*'))!;
    const held = `exec 9>'${`${program.logFile}.receive.lock`.replaceAll("'", `'\\''`)}'; flock 9; ${asCronRuns(line)}`;
    expect(() => execFileSync('/bin/sh', ['-c', held], { cwd: '/' })).toThrow();
    expect(existsSync(path.join(program.project, 'said'))).toBe(false);
    execFileSync('/bin/sh', ['-c', asCronRuns(line)], { cwd: '/', env: {} });
    expect(existsSync(path.join(program.project, 'said'))).toBe(true);
  });

  it('refuse a path that cron takes apart', async () => {
    const program = { ...(await oddProgram('x')), logFile: '/var/log/a\\%b' };
    expect(() => renderBlock([job], { program, ...utc })).toThrow(/backslash/);
  });

  it('ask for nothing that this structdb does not have, and have the backup at its time', () => {
    const some = jobsOf(
      configSchema.parse({ backup: { daily: { at: '23:30' } } }).backup,
      new Set(['backup', 'backup prune']),
    );
    expect(some.map(({ name, when }) => [name, 'at' in when && when.at])).toEqual([
      ['backup', '23:30'],
      ['prune', '01:00'],
    ]);
  });

  it('start a backup in every period of another zone, and never long after it began', () => {
    expect(localTimes('02:00', { ...utc, timeZone: 'Europe/Berlin' })).toEqual(['00:00', '01:00']);
    expect(localTimes('02:00', { ...utc, timeZone: 'Asia/Kathmandu' })).toEqual(['20:15']);
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Sydney', 'Asia/Tokyo');
    const instants = fc.date({ min: new Date('2026-01-01'), max: new Date('2028-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(zones, zones, instants, (timeZone, systemZone, from) => {
        const calendar = { at: '02:00', timeZone };
        const times = localTimes('02:00', { timeZone, systemZone, now: from });
        const start = periodStart('daily', from, calendar);
        // The first run since the period began: at most an hour after it, when clocks were set just then.
        const runs = times
          .flatMap((time) =>
            [0, 1, 2].map((days) =>
              periodStart('daily', new Date(start.getTime() + days * 86_400_000), { at: time, timeZone: systemZone }),
            ),
          )
          .filter((run) => run >= start);
        expect(Math.min(...runs.map((run) => run.getTime())) - start.getTime()).toBeLessThanOrEqual(2 * 3_600_000);
      }),
      { numRuns: 60 },
    );
  });

  it('leave every other line of a crontab as it is, byte for byte', () => {
    const texts = fc.array(fc.constantFrom('# a comment', '', '0 1 * * * true', '\t odd % line', 'MAILTO=x'), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(texts, texts, (before, after) => {
        const lines = (list: readonly string[]) => list.map((line) => `${line}\n`).join('');
        const block = '# BEGIN structdb /srv/app\n1 2 * * * x\n# END structdb /srv/app\n';
        const others = lines(before) + lines(after);
        expect(withoutBlock(withBlock(others, '/srv/app', block), '/srv/app')).toBe(others);
        const inside = lines(before) + block.replace('1 2', '9 9') + lines(after);
        expect(withBlock(inside, '/srv/app', block)).toBe(lines(before) + block + lines(after));
        expect(withBlock(inside, '/srv/app2', block)).toBe(inside + block);
      }),
    );
    expect(() => withoutBlock('# BEGIN structdb /srv/app\n0 1 * * * x\n', '/srv/app')).toThrow(/marker/);
  });
});

describe('The units of systemd', () => {
  const analyze = ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'].find(existsSync);

  (analyze ? it : it.skip)('are understood by systemd itself, whatever the folder is named', async () => {
    for (const [at, name] of ODD.entries()) {
      const program = await oddProgram(name);
      const files = await unitFiles({ program, timeZone: 'Europe/Berlin', scope: at % 2 === 0 ? 'system' : 'user' });
      expect(files).toHaveLength(10);
      // It looks at other units of the machine too, and complains of those.
      const own = verify(analyze!, files)
        .split('\n')
        .filter((line) => line.includes('structdb'));
      expect(own).toEqual([]);
    }
  });

  (analyze ? it : it.skip)('shut in what runs always, as far as systemd itself judges it', async () => {
    const program = {
      ...(await oddProgram('plain')),
      project: '/srv/app',
      script: '/srv/structdb.js',
      node: '/usr/bin/node',
    };
    const files = await unitFiles({
      program: { ...program, writes: ['/srv/app/.structdb', '/backups'] },
      timeZone: 'UTC',
      scope: 'system',
    });
    const services = files.filter((file) => /-(receive|monitor)\.service$/.test(file));
    expect(services).toHaveLength(2);
    for (const file of services) {
      // 0 is shut in, 10 is open: what runs as root without any of it has 9.6. Above the threshold it fails.
      const told = execFileSync(analyze!, ['security', '--offline=yes', '--no-pager', '--threshold=35', file], {
        encoding: 'utf8',
      });
      expect(told).toMatch(/exposure level/);
    }
  });

  it('let a service write where it has to, and take nothing away that it needs', async () => {
    const odd = await oddProgram("it's 100% odd");
    const app = { ...odd, node: '/usr/bin/node', script: '/opt/structdb.js', project: '/srv/app' };
    const program = { ...app, writes: ['/srv/app/.structdb', '/mnt/100% "backups"'], socket: '/run/postgresql' };
    const settings = { program, timeZone: 'UTC', scope: 'system' } as const;
    const monitor = settingsOf('monitor', settings);
    expect(monitor).toContain('ReadWritePaths=-/srv/app/.structdb');
    expect(monitor).toContain('ReadWritePaths="-/mnt/100%% \\"backups\\""');
    expect(monitor).toEqual(expect.arrayContaining(['Restart=always', 'PrivateTmp=true', 'RestrictSUIDSGID=true']));
    expect(monitor.join()).not.toMatch(/MemoryDenyWriteExecute|RestartSteps/);
    expect(settingsOf('monitor', { ...settings, systemd: 254 })).toContain('RestartMaxDelaySec=300');

    // PostgreSQL's socket is in /tmp where it was built by hand: one of its own would hide it.
    const inTmp = settingsOf('receive', { ...settings, program: { ...program, socket: '/tmp' } });
    expect(inTmp).not.toContain('PrivateTmp=true');
    expect(inTmp).toContain('ReadWritePaths=-/var/tmp');
    const shared = settingsOf('receive', { ...settings, program: { ...program, groupAccess: true } });
    expect(shared).not.toContain('RestrictSUIDSGID=true');

    // A user's manager can make no file systems, and take no capabilities away.
    const user = settingsOf('monitor', { ...settings, scope: 'user' });
    expect(user).toContain('SystemCallFilter=@system-service');
    expect(user.join()).not.toMatch(/Protect|Private|ReadWritePaths|CapabilityBoundingSet|network-online/);

    // Programs of the user, which may be set-user-ID (mail), are started by backups.
    const backup = settingsOf('backup', settings);
    expect(backup).toContain('ProtectKernelModules=true');
    expect(backup.join()).not.toMatch(/NoNewPrivileges|ProtectSystem|SystemCallFilter|Restart/);
    expect(settingsOf('backup', { ...settings, scope: 'user' }).join()).not.toMatch(/Protect/);
  });

  (analyze ? it : it.skip)('name what is wrong when they are: the check checks', async () => {
    const directory = await mkdtemp(path.join(scratch, 'units-'));
    const file = path.join(directory, 'structdb-x.timer');
    writeFileSync(file, '[Timer]\nOnCalendar=*-*-* 25:00:00 Nowhere\n');
    expect(verify(analyze!, [file])).toContain('structdb-x.timer');
  });
});

async function unitFiles(settings: UnitSettings): Promise<string[]> {
  const directory = await mkdtemp(path.join(scratch, 'units-'));
  return renderUnits(jobs, settings).map(({ name, text }) => {
    writeFileSync(path.join(directory, name), text);
    return path.join(directory, name);
  });
}

function settingsOf(job: string, settings: UnitSettings): string[] {
  const unit = renderUnits(jobs, settings).find(({ name }) => name.endsWith(`-${job}.service`));
  return unit!.text.split('\n').filter((line) => line.includes('='));
}

function verify(program: string, files: readonly string[]): string {
  try {
    return execFileSync(program, ['verify', '--man=no', ...files], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

/** Programs that keep what they are told in files, as crontab and systemctl do. */
async function machine() {
  const home = await mkdtemp(path.join(scratch, 'home-'));
  const bin = path.join(home, 'bin');
  mkdirSync(bin);
  const program = (name: string, text: string) => {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(path.join(bin, name), 0o755);
  };
  program(
    'crontab',
    `case "$1" in
-l) [ -f '${home}/tab' ] && exec cat '${home}/tab'; echo "no crontab for ada" >&2; exit 1 ;;
-r) exec rm '${home}/tab' ;;
-) exec cat > '${home}/tab' ;;
esac`,
  );
  program('systemctl', `echo "$*" >> '${home}/calls'; [ ! -f '${home}/broken' ]`);
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: home };
  return {
    home,
    env,
    tab: path.join(home, 'tab'),
    calls: path.join(home, 'calls'),
    units: path.join(home, '.config/systemd/user'),
  };
}

describe('structdb schedule', () => {
  it('puts a block into the crontab once, changes it with the configuration, and takes it out without a trace', async () => {
    const { env, tab } = await machine();
    const cwd = await newProject(scratch);
    const nothing = await structdb(['schedule', 'remove'], { cwd, env });
    expect(nothing).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Nothing was scheduled') });
    const first = await structdb(['schedule', 'install', '--json'], { cwd, env });
    expect(first.json).toMatchObject({
      ok: true,
      result: { kind: 'cron', written: [expect.stringContaining('crontab')] },
    });
    const printed = await structdb(['schedule', 'print'], { cwd, env });
    const fewer = await structdb(['schedule', 'print', '--without', 'backup', 'drill'], { cwd, env });
    expect(fewer.stdout).toContain('# prune');
    expect(fewer.stdout).not.toMatch(/# (backup|drill)/);
    const wrong = await structdb(['schedule', 'install', '--without', 'lunch'], { cwd, env });
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('backup, prune') });
    expect(readFileSync(tab, 'utf8')).toBe(printed.stdout);
    expect(printed.stdout).toMatch(/^0 2 \* \* \* cd .* backup --no-color >>/m);
    expect(printed.stdout).not.toContain('MAILTO');
    const others = '# mine\n5 5 * * * echo 100\\%\n';
    writeFileSync(tab, others + readFileSync(tab, 'utf8'));
    writeFileSync(
      path.join(cwd, 'structdb.config.ts'),
      `export default { backup: { daily: { at: '04:15' } }, stores: { local: { type: 'directory', path: './store' } } };`,
    );
    await structdb(['schedule', 'install'], { cwd, env: { ...env, DATABASE_URL: 'postgres://u:p@h/d' } }).then(
      (again) => {
        expect(again).toMatchObject({
          exitCode: 0,
          stderr: expect.stringContaining('DATABASE_URL is set in this shell only'),
        });
      },
    );
    const text = readFileSync(tab, 'utf8');
    expect(text.startsWith(`${others}# BEGIN structdb`)).toBe(true);
    expect(text).toMatch(/^15 4 \* \* \* /m);
    expect(text).not.toMatch(/^0 2 /m);
    const same = await structdb(['schedule', 'install'], { cwd, env });
    expect(same.stdout).toContain('in place already');
    await structdb(['schedule', 'remove'], { cwd, env });
    expect(readFileSync(tab, 'utf8')).toBe(others);
    writeFileSync(tab, '');
    await structdb(['schedule', 'install'], { cwd, env });
    await structdb(['schedule', 'remove'], { cwd, env });
    expect(existsSync(tab)).toBe(false);
  });

  it('writes units, enables them, and removes them; when systemd fails, nothing stays', async () => {
    const { home, env, calls, units } = await machine();
    const cwd = await newProject(scratch);
    writeFileSync(path.join(home, 'broken'), '');
    const failed = await structdb(['schedule', 'install', '--systemd', 'user'], { cwd, env });
    expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('structdb schedule install') });
    expect(readdirSync(units)).toEqual([]);
    execFileSync('rm', [path.join(home, 'broken'), calls]);
    const done = await structdb(['schedule', 'install', '--systemd', 'user', '--json'], { cwd, env });
    const names = readdirSync(units);
    expect(done.json.result.written).toHaveLength(names.length);
    expect(readFileSync(calls, 'utf8')).toMatch(/--user --no-ask-password enable --now structdb-\S+-backup\.timer/);
    writeFileSync(path.join(units, names[0]!.replace(/backup/, 'mine')), '# not of structdb\n');
    const removed = await structdb(['schedule', 'remove'], { cwd, env });
    expect(removed.exitCode).toBe(0);
    expect(readdirSync(units)).toEqual([names[0]!.replace(/backup/, 'mine')]);
    expect(readFileSync(calls, 'utf8')).toMatch(/disable --now structdb-/);
  });
});
