import path from 'node:path';
import type { SourcedEdition } from '../../../catalog/index.ts';
import { formatCount } from '../../../core/units.ts';
import type { Evidence } from '../evidence.ts';
import { known, minute, type Section, sectionOf, shortHash } from './section.ts';

/** Every edition with the import behind it and its hashes, and the files that were compared. */
export function catalogSection({ catalogs }: Evidence): Section {
  return sectionOf('catalogs', 'Catalogs', [catalogs], () => {
    const found = known(catalogs, null)!;
    const { editions, rows, releases, compared } = found;
    const nowhere = editions.filter((each) => each.import === null && each.migration === null);
    const differing = compared.filter(({ differences }) => differences.length > 0);
    const inUse = `${formatCount(rows)} rows of ${formatCount(editions.length)} editions`;
    return {
      tone: differing.length > 0 ? 'bad' : rows === 0 || nowhere.length > 0 ? 'open' : 'good',
      summary:
        differing.length > 0
          ? `${differing.map(({ file }) => path.basename(file)).join(', ')}: the database has other values.`
          : rows === 0
            ? 'No catalog is imported.'
            : nowhere.length > 0
              ? `${inUse}; ${nowhere.length} of them without an origin on record.`
              : `${inUse}, each with its origin.`,
      tables: [
        {
          caption: 'Editions and where they come from',
          head: ['edition', 'rows', 'retired', 'from', 'when (UTC)', 'by', 'SHA-256 of the file', 'of its content'],
          rows: editions.map((each) => [
            describeEdition(each),
            { number: formatCount(each.rows) },
            { number: formatCount(each.retired) },
            each.import ? { code: path.basename(each.import.file) } : (each.migration ?? 'not recorded'),
            each.import ? minute(each.import.at) : '',
            each.import?.by ?? '',
            each.import ? shortHash(each.import.sha256) : '',
            each.import ? shortHash(each.import.contentSha256) : '',
          ]),
        },
        ...(releases.length === 0
          ? []
          : [
              {
                caption: 'Constants and prices',
                head: ['release', 'of', 'rows', 'in force'],
                rows: releases.map((each) => [
                  each.version,
                  each.kind === 'constant' ? 'calibration constants' : 'prices',
                  { number: formatCount(each.rows) },
                  { number: formatCount(each.inForce) },
                ]),
              },
            ]),
        ...(compared.length === 0
          ? []
          : [
              {
                caption: 'Read again and compared, value by value',
                head: ['', 'file', 'rows', 'different', 'SHA-256'],
                rows: compared.map((each) => [
                  { tone: each.differences.length === 0 ? ('good' as const) : ('bad' as const) },
                  { code: path.basename(each.file) },
                  { number: formatCount(each.rows) },
                  { number: formatCount(each.differences.length) },
                  shortHash(each.sha256),
                ]),
              },
            ]),
      ],
    };
  });
}

function describeEdition({ standard, edition, unitSystem, variant, kind }: SourcedEdition): string {
  return [standard, edition, variant, unitSystem, kind === 'reference' ? 'references' : `${kind}s`]
    .filter(Boolean)
    .join(' ');
}
