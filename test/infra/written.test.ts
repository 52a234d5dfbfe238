import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { infraFiles } from '../../scripts/infra/files.ts';
import { projectRoot } from '../support/cli.ts';

const written = infraFiles();

it.each([...written.keys()])('%s is what node scripts/write-infra.ts writes', async (file) => {
  expect(await readFile(path.join(projectRoot, file), 'utf8')).toBe(written.get(file));
});

it.each(['infra/prometheus/rules', 'infra/prometheus/tests', 'infra/grafana/dashboards'])(
  '%s holds nothing else',
  (folder) => {
    for (const name of readdirSync(path.join(projectRoot, folder)))
      expect([...written.keys()]).toContain(`${folder}/${name}`);
  },
);
