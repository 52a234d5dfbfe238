import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { infraFiles } from './infra/files.ts';

/** Writes what infra/ and docs/alerts.md hold from scripts/infra: run after a change there (a test compares the two). */
const root = path.join(import.meta.dirname, '..');
for (const [file, text] of infraFiles()) {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}
