import path from 'node:path';
import { packageRoot } from '../core/tool-version.ts';
import type { Scope } from './readers/content.ts';

/** The catalogs that ship, in the order in which they are imported. */
const NAMES = ['aisc-shapes-v16.0.csv', 'astm-grades.csv', 'code-references.csv'];

/**
 * The shapes that ship, the only large catalog, by the SHA-256 of the file and by what it has rows of. These very bytes
 * were checked when the file was made (scripts/build-aisc-catalog.ts) and are checked by the tests: an import need not
 * check them a third time.
 */
export const SHIPPED_SHAPES = Object.freeze({
  sha256: 'c2a3992a11ff83145eca40b0fa9cf26e4064e11fa676c7d6856db9191369d272',
  /** Of what its rows say (content-hash.ts); a test works it out. */
  contentSha256: '8a52009606b3d2dee6537a124f1748bc22c0d32d1fe59efbbf28a6e35ab54abc',
  scopes: [
    { standard: 'AISC', edition: 'v16.0', unitSystem: 'US', variant: '' },
    { standard: 'AISC', edition: 'v16.0', unitSystem: 'SI', variant: '' },
  ] satisfies Scope[] as readonly Scope[],
});

/** The files of `catalogs/`: beside src in a checkout, beside dist in the package. */
export function shippedCatalogs(): string[] {
  return NAMES.map((name) => path.join(packageRoot(), 'catalogs', name));
}
