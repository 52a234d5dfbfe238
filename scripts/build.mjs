// Builds dist/: the compiled sources with types, and the small entries bundled into one file each.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

const { buildArchiveProgram } = await import('../src/repository/archive-program.ts');
mkdirSync('dist/entries', { recursive: true });
for (const { name, content } of await buildArchiveProgram()) writeFileSync(path.join('dist/entries', name), content);
