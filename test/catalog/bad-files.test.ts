import { describe, expect, it } from '@jest/globals';
import { checkRecords } from '../../src/catalog/checks/records.ts';
import type { CatalogContent, Declared } from '../../src/catalog/readers/content.ts';
import { readCatalog } from '../../src/catalog/readers/index.ts';
import { aiscFile } from './support.ts';

const read = (content: string | Uint8Array, declared: Declared = {}) =>
  readCatalog(Buffer.from(content), 'shapes.csv', declared);

describe('a file that is no table', () => {
  it.each([
    ['an empty file', '', 'shapes.csv is empty'],
    ['blank lines alone', '\n\r\n,,,\n', 'shapes.csv is empty'],
    ['a header only', `${aiscFile().split('\n')[0]}\n`, 'has a header and no rows'],
    ['a web page', '\n<!DOCTYPE html><title>404</title>', 'is a web page, not a table'],
    ['a web page in Latin letters', '<html><body>Caf\xe9', 'is a web page, not a table'],
    ['XML', '\ufeff<?xml version="1.0"?><Workbook/>', 'is XML, not a table'],
    ['JSON', '[{"Type": "W"}]', 'is JSON, not a table'],
    ['JSON over lines', '{\n  "shapes": []}', 'is JSON, not a table'],
    ['a PDF', '%PDF-1.7\n\x00', 'is a PDF, not a table'],
    ['a picture', '\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR', 'is a binary file, not a table of text'],
    ['a wrong delimiter', aiscFile().replaceAll(',', '|'), 'fits no catalog format; its first line begins "Type|EDI'],
    ['an open quote', aiscFile().replace('–', '"–'), 'a quote is opened and never closed'],
  ])('%s', (_, content, message) => {
    const bytes = content.includes('\xe9') || content.includes('\x89') ? Buffer.from(content, 'latin1') : content;
    expect(() => read(bytes)).toThrow(message);
  });
});

describe('a row that is none', () => {
  const [header, row] = aiscFile().split('\n') as [string, string];

  it.each([
    ['too few cells', row.split(',').slice(0, 30).join(','), 'the row ends after 30 of 40 cells'],
    ['too many cells', `${row},1`, 'the row has 41 cells where the header has 40'],
    ['a number with letters', row.replace('999', '9g9'), 'not a number'],
    ['a number with a comma', row.replace(',999,', ',"1,110",'), 'a comma may be a decimal or a thousands sign'],
  ])('with %s is named', (_, bad, reason) => {
    const content = read(`${header}\n${bad}\n`, { edition: 'v16.0' }) as CatalogContent;
    expect([...checkRecords(content, 'shapes.csv')]).toMatchObject([
      { rows: [], problems: [expect.objectContaining({ line: 2, reason: expect.stringContaining(reason) })] },
    ]);
  });
});
