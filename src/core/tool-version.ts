import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

let known: string | undefined;

/** The version of structdb itself: in the checkout package.json is two folders up, in dist three. */
export function toolVersion(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const file = ['../../package.json', '../../../package.json']
    .map((relative) => path.resolve(here, relative))
    .find(existsSync);
  return file === undefined ? 'unknown' : (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
