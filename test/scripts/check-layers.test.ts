import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { brokenArrows } from '../../scripts/check-layers.ts';
import { projectRoot } from '../support/cli.ts';
import { scratchDirectory } from '../support/scratch.ts';

describe('the layer check', () => {
  it('finds every arrow of this project pointing down', () => {
    expect(brokenArrows(projectRoot)).toEqual([]);
  });

  it('names an import that points up, one between capabilities, and one past an index', async () => {
    const root = await scratchDirectory();
    const put = async (file: string, text: string) => {
      await mkdir(path.dirname(path.join(root, file)), { recursive: true });
      await writeFile(path.join(root, file), text);
    };
    await put('src/core/a.ts', `import { x } from '../cli/main.ts';\n`);
    await put(
      'src/migrate/b.ts',
      `import { y } from '../catalog/index.ts';\nimport { z } from '../database/types.ts';\n`,
    );
    await put(
      'src/drill/c.ts',
      `const r = await import('../restore/plan.ts');\nimport { ok } from '../restore/index.ts';\n`,
    );
    await put('migrations/001.ts', `import { sql } from 'kysely';\nimport fs from 'pg';\n`);
    expect(
      brokenArrows(root)
        .map(({ file }) => file)
        .sort(),
    ).toEqual(['migrations/001.ts', 'src/core/a.ts', 'src/drill/c.ts', 'src/migrate/b.ts']);
  });
});
