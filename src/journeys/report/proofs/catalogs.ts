import { formatCount } from '../../../core/units.ts';
import type { Area } from '../confidence.ts';
import type { CatalogEvidence, Evidence } from '../evidence.ts';
import { type Claim, from, now } from './proof.ts';

const SOURCED: Claim = {
  id: 'catalogs.sourced',
  claim: 'Every row in use comes from a recorded import or migration',
  share: 0.5,
  remedy: { what: 'Import the editions that have no origin on record', command: 'structdb catalog import' },
};

const COMPARED: Claim = {
  id: 'catalogs.compared',
  claim: 'Every row in use is as its source has it',
  share: 0.5,
  remedy: {
    what: 'Import the catalogs that ship, and have your own compared too',
    command: 'structdb report --catalog <files…>',
  },
};

/** Reference data with its provenance, and read against its sources. */
export function catalogProofs({ catalogs }: Pick<Evidence, 'catalogs'>): Area {
  return {
    id: 'catalogs',
    title: 'Catalogs',
    proofs: [
      from(SOURCED, catalogs, ({ editions, rows }) => {
        if (rows === 0) return now(SOURCED, 0, 'No catalog is imported.');
        const sourced = editions
          .filter((edition) => edition.import !== null || edition.migration !== null)
          .reduce((sum, edition) => sum + edition.rows, 0);
        return now(SOURCED, sourced / rows, `${formatCount(sourced)} of ${formatCount(rows)} rows have an origin.`);
      }),
      from(COMPARED, catalogs, ({ compared, rows }) => {
        if (rows === 0) return now(COMPARED, 0, 'No catalog is imported.');
        const equal = Math.min(rows, equalRows(compared));
        const differing = compared.reduce((sum, { differences }) => sum + differences.length, 0);
        const others = differing === 0 ? '' : ` ${formatCount(differing)} differ.`;
        return now(
          COMPARED,
          equal / rows,
          `${formatCount(equal)} of ${formatCount(rows)} rows were compared with their files and are equal.${others}`,
        );
      }),
    ],
  };
}

/** Constants and prices are no rows of an edition; what differs, or is missing, is not equal. */
function equalRows(compared: CatalogEvidence['compared']): number {
  return compared
    .filter(({ versioned }) => !versioned)
    .reduce((sum, { rows, differences }) => sum + rows - differences.filter(({ kind }) => kind !== 'extra').length, 0);
}
