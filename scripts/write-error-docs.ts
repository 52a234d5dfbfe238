import { writeFileSync } from 'node:fs';
import { ERROR_CODES } from '../src/core/errors.ts';

/** docs/errors.md from the registry: run after adding a code (a test compares the two). */
export function errorPage(): string {
  const rows = Object.entries(ERROR_CODES)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([code, { exit, meaning }]) => `| \`${code}\` | ${exit} | ${meaning} |`);
  return `# Error codes\n\nThe \`error.code\` of \`--json\`: stable, each with one [exit code](exit-codes.md).\n\n| code | exit | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(new URL('../docs/errors.md', import.meta.url), errorPage());
