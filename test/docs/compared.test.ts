import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectRoot } from '../support/cli.ts';

const docs = path.join(projectRoot, 'docs');
const table = readFileSync(path.join(docs, 'compared.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );

describe('docs/compared.md', () => {
  it('has a cell of structdb in each row, and for each that it has a test which is there', () => {
    const [head, ...features] = table;
    expect(head?.[1]).toBe('structdb');
    expect(features.length).toBeGreaterThan(30);
    for (const cells of features) {
      const [feature, own, test] = [cells[0]!, cells[1]!, cells.at(-1)!];
      expect({ feature, cells: cells.length }).toEqual({ feature, cells: head!.length });
      expect({ feature, mark: own.charAt(0) }).toEqual({ feature, mark: expect.stringMatching(/[●○–]/) });
      const file = /\]\((.+)\)$/.exec(test)?.[1];
      if (own.startsWith('●'))
        expect({ feature, file }).toEqual({ feature, file: expect.stringMatching(/\.test\.ts$/) });
      if (file) expect({ file, there: existsSync(path.join(docs, file)) }).toEqual({ file, there: true });
    }
  });
});
