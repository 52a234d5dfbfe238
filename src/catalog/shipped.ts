import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The catalogs that ship, in the order in which they are imported. */
const NAMES = ['aisc-shapes-v16.0.csv', 'astm-grades.csv', 'code-references.csv'];

/** The files of `catalogs/`: beside src in a checkout, beside dist in the package. */
export function shippedCatalogs(): string[] {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'catalogs', NAMES[0]!)) && folder !== path.dirname(folder))
    folder = path.dirname(folder);
  return NAMES.map((name) => path.join(folder, 'catalogs', name));
}
