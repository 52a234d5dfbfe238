import { strToU8, type Zippable, zipSync } from 'fflate';

/** A cell: text, a number as the file keeps it, a formula with its last value, or a number shown as a date. */
export type WorkbookCell =
  | string
  | number
  | { readonly formula: string; readonly value: number }
  | { readonly date: number };

/** The bytes of an .xlsx workbook as Excel lays it out: text in shared strings, numbers raw, blank cells left out. */
export function workbookFile(
  sheets: Readonly<Record<string, readonly (readonly WorkbookCell[])[]>>,
  parts: Zippable = {},
): Uint8Array {
  const strings: string[] = [];
  const places = new Map<string, number>();
  const shared = (text: string) => {
    if (!places.has(text)) places.set(text, strings.push(`<si><t xml:space="preserve">${escaped(text)}</t></si>`) - 1);
    return places.get(text)!;
  };
  const names = Object.keys(sheets);
  const bodies = Object.values(sheets).map((rows) => rows.map((cells, at) => row(cells, at + 1, shared)).join(''));
  const relation = (id: number, type: string, target: string) =>
    `<Relationship Id="rId${id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/${type}" Target="${target}"/>`;
  const main = names.map((name, at) => `<sheet name="${escaped(name)}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`);
  const links = names.map((_, at) => relation(at + 1, 'worksheet', `worksheets/sheet${at + 1}.xml`));
  const files: Zippable = {
    '[Content_Types].xml': xml(
      '<Types><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    ),
    '_rels/.rels': xml(`<Relationships>${relation(1, 'officeDocument', 'xl/workbook.xml')}</Relationships>`),
    'xl/workbook.xml': xml(`<workbook xmlns:r="r"><sheets>${main.join('')}</sheets></workbook>`),
    'xl/_rels/workbook.xml.rels': xml(
      `<Relationships>${links.join('')}${relation(98, 'sharedStrings', 'sharedStrings.xml')}${relation(99, 'styles', '/xl/styles.xml')}</Relationships>`,
    ),
    'xl/sharedStrings.xml': xml(`<sst>${strings.join('')}</sst>`),
    'xl/styles.xml': xml(
      '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="# ??/??"/><numFmt numFmtId="165" formatCode="d\\-mmm"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>',
    ),
    ...Object.fromEntries(
      bodies.map((body, at) => [
        `xl/worksheets/sheet${at + 1}.xml`,
        xml(`<worksheet><sheetData>${body}</sheetData></worksheet>`),
      ]),
    ),
    ...parts,
  };
  // Packing well takes longer than reading.
  return zipSync(files, { level: 1 });
}

function row(cells: readonly WorkbookCell[], line: number, shared: (text: string) => number): string {
  const all = cells.map((cell, at) => {
    const r = `r="${columnName(at)}${line}"`;
    if (cell === '') return '';
    if (typeof cell === 'string') return `<c ${r} t="s"><v>${shared(cell)}</v></c>`;
    if (typeof cell === 'number') return `<c ${r} s="1"><v>${cell}</v></c>`;
    if ('date' in cell) return `<c ${r} s="2"><v>${cell.date}</v></c>`;
    return `<c ${r}><f>${escaped(cell.formula)}</f><v>${cell.value}</v></c>`;
  });
  return `<row r="${line}">${all.join('')}</row>`;
}

function columnName(column: number): string {
  const rest = Math.floor(column / 26);
  return (rest > 0 ? columnName(rest - 1) : '') + String.fromCharCode(65 + (column % 26));
}

function xml(text: string): Uint8Array {
  return strToU8(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${text}`);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
