// Builds dist/: the compiled sources with types, and the small entries bundled into one file each.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });

const entry = 'src/entries/wal.ts';
if (existsSync(entry)) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [entry],
    outfile: 'dist/entries/wal.mjs',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    minify: true,
  });
}
