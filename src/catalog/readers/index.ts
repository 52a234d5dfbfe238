import { StructdbError } from '../../core/errors.ts';
import { tidyTable } from '../reading/header-quirks.ts';
import type { StreamedTable } from '../reading/record-batches.ts';
import { readTable } from '../reading/table.ts';
import { a1085Reader } from './a1085.ts';
import { aiscShapesReader } from './aisc-shapes.ts';
import { astmGradesReader } from './astm-grades.ts';
import { calibrationConstantsReader } from './calibration-constants.ts';
import { codeReferencesReader } from './code-references.ts';
import type { CatalogContent, CatalogReader, Declared, Table } from './content.ts';
import { pricingReader } from './pricing.ts';
import { structdbLayoutReader } from './structdb-layout.ts';
import type { VersionContent } from './versions.ts';

type AnyReader = CatalogReader<CatalogContent | VersionContent>;

const READERS: readonly AnyReader[] = [
  structdbLayoutReader,
  aiscShapesReader,
  a1085Reader,
  astmGradesReader,
  codeReferencesReader,
  calibrationConstantsReader,
  pricingReader,
];

/**
 * Reads a catalog file of any known format, recognised by its header.
 * @throws CATALOG_UNREADABLE when it is no table of text, CATALOG_UNKNOWN when it fits no format or more than one
 */
export function readCatalog(bytes: Uint8Array, file: string, declared: Declared): CatalogContent | VersionContent {
  return readRecognised(readTable(bytes, file, declared.encoding), declared);
}

/** A file in memory: a text, or a workbook, which its first bytes tell. @throws CATALOG_UNREADABLE, CATALOG_UNKNOWN */
export async function openCatalog(
  bytes: Uint8Array,
  file: string,
  declared: Declared,
): Promise<CatalogContent | VersionContent> {
  if (!isArchive(bytes)) {
    if (declared.sheet === undefined) return readCatalog(bytes, file, declared);
    throw new StructdbError('USAGE', `${file} is no workbook and has no sheets.`, { hint: 'Leave --sheet out.' });
  }
  if (declared.encoding !== undefined) {
    throw new StructdbError('USAGE', `${file} is a workbook or archive, which has no encoding.`, {
      hint: 'Leave --encoding out.',
    });
  }
  const { readWorkbook } = await import('../reading/workbook/index.ts');
  const { sheet } = declared;
  const table = readWorkbook(bytes, file, { ...(sheet === undefined ? {} : { sheet }), isHeader });
  return readRecognised(table, declared);
}

function isArchive(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

function isHeader(cells: readonly string[]): boolean {
  return READERS.some((reader) => reader.recognises(cells));
}

/** The same for a table that was read already. @throws CATALOG_UNREADABLE, CATALOG_UNKNOWN */
export function readRecognised(read: Table, declared: Declared): CatalogContent | VersionContent {
  const table = tidyTable(read);
  const reader = readerOf(table, declared);
  if (table.records.length === 0) {
    throw new StructdbError('CATALOG_UNREADABLE', `${table.file} has a header and no rows.`, {
      hint: 'The file may be truncated: fetch it again.',
    });
  }
  return { ...reader.read(table, declared), layout: table };
}

/**
 * The same for a large file, of which only the header is known: `records` is empty, and `whole` knows of no scope.
 * @throws CATALOG_UNREADABLE for a format that needs all records at once, CATALOG_UNKNOWN
 */
export function readStreamed({ file, header, recognised }: StreamedTable, declared: Declared): CatalogContent {
  const table = { file, header, records: [], recognised };
  const reader = readerOf(table, declared);
  // Constants and prices do not stream.
  if (reader.streams) return { ...(reader.read(table, declared) as CatalogContent), layout: table };
  throw new StructdbError(
    'CATALOG_UNREADABLE',
    `${file} is in the format "${reader.format}" and has more than 16 MiB.`,
    {
      hint: 'No table of that kind is nearly as large: fetch the file again.',
    },
  );
}

function readerOf(table: Table, declared: Declared): AnyReader {
  const { file } = table;
  const fitting = READERS.filter((reader) => reader.recognises(table.header));
  if (fitting.length !== 1) {
    const known = READERS.map(({ format }) => format).join(', ');
    const header = table.header.slice(0, 4).join(', ').slice(0, 80);
    throw new StructdbError(
      'CATALOG_UNKNOWN',
      `${file} fits ${fitting.length === 0 ? 'no' : 'more than one'} catalog format; its first line begins "${header}".`,
      {
        hint:
          table.header.length === 1
            ? 'Its first line is a single cell: cells are separated by commas, semicolons or tabs.'
            : `Known are: ${known}. docs/catalog.md shows the header of each.`,
      },
    );
  }
  const reader = fitting[0]!;
  if (reader !== aiscShapesReader && (declared.edition !== undefined || declared.unitSystem !== undefined)) {
    throw new StructdbError(
      'USAGE',
      `${file} is in the format "${reader.format}", which says edition and units itself.`,
      {
        hint: 'Leave --edition and --unit-system out.',
      },
    );
  }
  return reader;
}
