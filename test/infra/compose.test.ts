import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { IMAGE_MAJOR } from '../../scripts/infra/server.ts';
import { projectRoot } from '../support/cli.ts';
import { describeWith } from '../support/programs.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { composeServices, infra } from './stack.ts';

const services = await composeServices();
const text = await readFile(path.join(infra, 'compose.yaml'), 'utf8');
const dockerfile = await readFile(path.join(infra, 'Dockerfile'), 'utf8');
const example = await readFile(path.join(infra, '.env.example'), 'utf8');
/** Those that run to their end and are gone. */
const ONCE = ['s3-volume', 'migrate'];

describe.each(Object.entries(services))('the service %s', (name, service) => {
  it('has a pinned image, limits, and no more rights than it needs', () => {
    expect(service.image).toMatch(/:(v?\d+\.\d+(\.\d+)?|local)$/);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect(service).toHaveProperty('mem_limit');
    expect(service).not.toHaveProperty('privileged');
    // One, once, gives a new volume to the user that needs it.
    if (name !== 's3-volume') {
      expect(service).not.toHaveProperty('cap_add');
      expect(service.user ?? 'of the image').not.toMatch(/^(0|root)\b/);
    }
  });

  it('is reached from this machine only', () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('says whether it is healthy, and is waited for', () => {
    const once = ONCE.includes(name);
    if (!once) expect(service.healthcheck?.test?.length).toBeGreaterThan(0);
    const waiting = Object.values(services).map((other) => other.depends_on?.[name]?.condition);
    const conditions = waiting.filter((condition) => condition !== undefined);
    for (const condition of conditions) {
      expect(condition).toBe(once ? 'service_completed_successfully' : 'service_healthy');
    }
    if (!['grafana', 'scheduler'].includes(name)) expect(conditions).not.toEqual([]);
  });
});

describe('secrets', () => {
  it('have no default: each variable is asked for, or is no secret', () => {
    const variables = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)].map(([, name, rest]) => ({ name, rest }));
    expect(variables.length).toBeGreaterThan(8);
    for (const { name, rest } of variables) {
      if (name === 'S3_ENDPOINT') expect(rest).toBe(':-http://s3:7070');
      else expect(rest).toBe(':?set it in infra/.env');
    }
    const words = Object.values(services).flatMap(({ environment }) => Object.entries(environment ?? {}));
    for (const [name, value] of words) if (/PASSWORD|KEY|SECRET/.test(name)) expect(value).toMatch(/^\$\{/);
  });

  it('are all in .env.example, empty', () => {
    const asked = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map((match) => match[1]));
    const offered = [...example.matchAll(/^(\w+)=$/gm)].map((match) => match[1]);
    expect(new Set(offered)).toEqual(asked);
  });
});

describe('the images', () => {
  it('are pinned and run as nobody in particular', () => {
    const froms = [...dockerfile.matchAll(/^FROM (\S+) AS (\w+)$/gm)].map(([, image, stage]) => ({ image, stage }));
    expect(froms.map(({ stage }) => stage)).toEqual(['package', 'postgres', 'structdb']);
    for (const { image } of froms) expect(image).toMatch(/:\d+\.\d+(\.\d+)?-trixie(-slim)?$/);
    expect([...dockerfile.matchAll(/^USER (\w+)$/gm)].map((match) => match[1])).toEqual(['postgres', 'node']);
    expect(dockerfile).toContain(`FROM postgres:${IMAGE_MAJOR}.`);
    expect(dockerfile).toContain(`postgresql-${IMAGE_MAJOR} `.trim());
  });

  it('copy and start only what is there', () => {
    const copied = [...dockerfile.matchAll(/^COPY ((?:infra|package)\S*(?: (?:infra|package)\S*)*) /gm)].flatMap(
      (match) => match[1]!.split(' '),
    );
    expect(copied.length).toBeGreaterThan(3);
    for (const file of copied) expect(existsSync(path.join(projectRoot, file))).toBe(true);
    const scripts = [...`${dockerfile}${text}`.matchAll(/\/opt\/structdb\/((?:postgres\/)?[\w-]+\.(?:sh|mjs))/g)];
    expect(scripts.length).toBeGreaterThan(4);
    for (const [, script] of scripts) {
      const folder = script!.startsWith('postgres/') ? '' : 'structdb';
      expect(existsSync(path.join(infra, folder, script!))).toBe(true);
    }
  });

  it.each(Object.keys(services))('%s mounts only what is there', (name) => {
    const mounts = ((services[name]!.volumes ?? []) as string[]).map((volume) => volume.split(':')[0]!);
    for (const mount of mounts) {
      if (mount.startsWith('.')) expect(existsSync(path.join(infra, mount))).toBe(true);
      else expect(Object.keys((parse(text) as { volumes: object }).volumes)).toContain(mount);
    }
  });
});

describe('Grafana', () => {
  it('is given the data source that the dashboards name, and their folder', async () => {
    const provisioning = path.join(infra, 'grafana', 'provisioning');
    const sources = parse(await readFile(path.join(provisioning, 'datasources', 'prometheus.yaml'), 'utf8'));
    const providers = parse(await readFile(path.join(provisioning, 'dashboards', 'structdb.yaml'), 'utf8'));
    const overview = JSON.parse(await readFile(path.join(infra, 'grafana', 'dashboards', 'overview.json'), 'utf8'));
    const [variable] = overview.templating.list;
    expect(variable).toMatchObject({ name: 'datasource', current: { value: sources.datasources[0].uid } });
    expect(overview).toMatchObject({ id: null, uid: 'structdb-overview' });
    const mounted = (services.grafana!.volumes as string[]).map((volume) => volume.split(':')[1]);
    expect(mounted).toContain(providers.providers[0].options.path);
    expect(services.grafana!.environment!.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(
      `${providers.providers[0].options.path}/overview.json`,
    );
    expect(JSON.stringify(overview)).not.toContain('__inputs');
  });
});

describeWith(['docker-compose'], 'docker-compose', () => {
  const config = (file: string) =>
    promisify(execFile)('docker-compose', ['--env-file', file, '-f', path.join(infra, 'compose.yaml'), 'config'], {
      env: { PATH: process.env.PATH ?? '' },
    });

  it('accepts the file with a filled .env.example, and asks for each secret without', async () => {
    const directory = await scratchDirectory();
    const filled = path.join(directory, 'filled');
    await writeFile(filled, example.replaceAll(/^(\w+)=$/gm, '$1=secret'));
    const { stdout } = await config(filled);
    expect(Object.keys(parse(stdout).services).sort()).toEqual(Object.keys(services).sort());
    await expect(config(path.join(infra, '.env.example'))).rejects.toMatchObject({
      stderr: expect.stringContaining('set it in infra/.env'),
    });
  });
});
