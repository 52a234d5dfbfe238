import path from 'node:path';
import { StructdbError } from '../../../core/errors.ts';
import { readSheet, type SheetRow, type Styles, unescaped } from './sheet.ts';
import { attribute, walkXml } from './xml.ts';
import { ZipArchive } from './zip.ts';

export interface Sheet {
  readonly name: string;
  /** @throws CATALOG_UNREADABLE */
  readonly rows: () => SheetRow[];
}

/**
 * The sheets of an .xlsx workbook (ECMA-376, transitional or strict), in their order.
 * @throws CATALOG_UNREADABLE for other archives, for workbooks with macros and for damaged ones
 */
export function openWorkbook(bytes: Uint8Array, file: string): Sheet[] {
  const archive = new ZipArchive(bytes, file);
  refuseOthers(archive, file);
  const parsed = <T>(name: string, parse: (part: Uint8Array) => T, absent?: T): T => {
    const part = archive.read(name);
    if (part === undefined) {
      if (absent !== undefined) return absent;
      throw damaged(file, `it has no ${name}`);
    }
    try {
      return parse(part);
    } catch (cause) {
      throw cause instanceof StructdbError ? cause : damaged(file, `${name}: ${firstLine(cause)}`, cause);
    }
  };
  const main = parsed('_rels/.rels', relationsOf).find(({ type }) => type.endsWith('/officeDocument'))?.target;
  if (main === undefined) throw damaged(file, 'it names no workbook');
  const folder = path.posix.dirname(main.replace(/^\//, ''));
  const inFolder = (target: string) =>
    target.startsWith('/') ? target.slice(1) : path.posix.normalize(path.posix.join(folder, target));
  const relations = parsed(`${folder}/_rels/${path.posix.basename(main)}.rels`, relationsOf);
  const partOf = (kind: string) => {
    const relation = relations.find(({ type }) => type.endsWith(`/${kind}`));
    return relation && inFolder(relation.target);
  };
  const [stringsPart, stylesPart] = [partOf('sharedStrings'), partOf('styles')];
  const strings = stringsPart === undefined ? [] : parsed(stringsPart, stringsOf);
  const styles = stylesPart === undefined ? { isDate: [] } : parsed(stylesPart, stylesOf);
  return parsed(inFolder(path.posix.basename(main)), sheetsOf).flatMap(({ name, id }) => {
    const relation = relations.find((candidate) => candidate.id === id);
    if (!relation?.type.endsWith('/worksheet')) return [];
    return [{ name, rows: () => parsed(inFolder(relation.target), (xml) => readSheet(xml, strings, styles)) }];
  });
}

function refuseOthers(archive: ZipArchive, file: string): void {
  const names = archive.names();
  const refuse = (what: string, hint: string) => {
    throw new StructdbError('CATALOG_UNREADABLE', `${file} ${what}.`, { hint });
  };
  const types = names.includes('[content_types].xml') ? archive.read('[content_types].xml')!.toString('utf8') : '';
  if (names.some((name) => name.endsWith('vbaproject.bin')) || /macroEnabled/i.test(types)) {
    refuse('is a workbook with macros', 'Save it as .xlsx, which has none, then import that file.');
  }
  if (names.includes('xl/workbook.bin')) refuse('is a binary workbook (.xlsb)', 'Save it as .xlsx.');
  if (names.includes('mimetype')) refuse('is an OpenDocument file, not an .xlsx workbook', 'Save it as .xlsx or CSV.');
  if (!/spreadsheetml/.test(types)) {
    refuse('is a ZIP archive, not a workbook', 'Unpack it and import the table that it holds.');
  }
}

interface Relation {
  readonly id: string;
  readonly type: string;
  readonly target: string;
}

function relationsOf(xml: Uint8Array): Relation[] {
  const relations: Relation[] = [];
  walkXml(xml, {
    open: (name, { Id = '', Type = '', Target = '' }) => {
      if (name === 'Relationship') relations.push({ id: Id, type: Type, target: Target });
    },
  });
  return relations;
}

function sheetsOf(xml: Uint8Array): { name: string; id: string | undefined }[] {
  const sheets: { name: string; id: string | undefined }[] = [];
  walkXml(xml, {
    open: (tag, attributes) => {
      if (tag === 'sheet') sheets.push({ name: attributes.name ?? '', id: attribute(attributes, 'id') });
    },
  });
  return sheets;
}

function stringsOf(xml: Uint8Array): string[] {
  const strings: string[] = [];
  let text = '';
  let reading = false;
  let phonetic = false;
  walkXml(xml, {
    open: (name) => {
      if (name === 'si') text = '';
      else if (name === 'rPh') phonetic = true;
      else if (name === 't') reading = !phonetic;
    },
    text: (piece) => {
      if (reading) text += piece;
    },
    close: (name) => {
      if (name === 'si') strings.push(unescaped(text));
      else if (name === 'rPh') phonetic = false;
      else if (name === 't') reading = false;
    },
  });
  return strings;
}

/** The formats of ECMA-376 18.8.30 that show dates and times, in any language. */
const DATES: readonly (readonly [number, number])[] = [
  [14, 22],
  [27, 36],
  [45, 47],
  [50, 58],
];

function stylesOf(xml: Uint8Array): Styles {
  const own = new Map<string, string>();
  const isDate: boolean[] = [];
  let inCells = false;
  walkXml(xml, {
    open: (name, { numFmtId = '0', formatCode = '' }) => {
      if (name === 'numFmt') own.set(numFmtId, formatCode);
      else if (name === 'cellXfs') inCells = true;
      else if (name === 'xf' && inCells) isDate.push(showsDate(numFmtId, own.get(numFmtId)));
    },
    close: (name) => {
      if (name === 'cellXfs') inCells = false;
    },
  });
  return { isDate };
}

function showsDate(id: string, code: string | undefined): boolean {
  if (code === undefined) return DATES.some(([from, to]) => Number(id) >= from && Number(id) <= to);
  // Quoted and escaped letters, colours and conditions are no part of a date.
  const bare = code.replaceAll(/"[^"]*"|\\.|_.|\[[^\]]*\]/g, '');
  return !/general/i.test(bare) && /[dmyhs]/i.test(bare);
}

function damaged(file: string, reason: string, cause?: unknown): StructdbError {
  return new StructdbError('CATALOG_UNREADABLE', `${file} is a workbook that cannot be read: ${reason}.`, {
    cause,
    hint: 'Open it in a spreadsheet program and save it again as .xlsx, or as CSV.',
  });
}

function firstLine(cause: unknown): string {
  return (cause as Error).message.split('\n')[0]!.replace(/\.$/, '');
}
