// Imports every public entry of an installed structdb: node scripts/check-exports.mjs <folder with node_modules/structdb>
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = path.resolve(process.argv[2]);
const installed = path.join(folder, 'node_modules', 'structdb');
const { exports } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));
const require = createRequire(path.join(folder, 'index.js'));
for (const [entry, target] of Object.entries(exports)) {
  if (typeof target === 'string') continue;
  const specifier = path.posix.join('structdb', entry);
  const module = await import(pathToFileURL(require.resolve(specifier)).href);
  if (Object.keys(module).length === 0) throw new Error(`${specifier} exports nothing`);
  if (!existsSync(path.join(installed, target.types))) throw new Error(`${specifier} has no types at ${target.types}`);
}
const { defineConfig, createDatabase } = await import(pathToFileURL(require.resolve('structdb')).href);
if (typeof defineConfig !== 'function' || typeof createDatabase !== 'function')
  throw new Error('structdb lacks defineConfig or createDatabase');
process.stdout.write(`${Object.keys(exports).length - 1} entries imported, with types\n`);
