import { StructdbError } from '../../core/errors.ts';

/** What is saved under the name of a table by mistake, by how it begins. */
const OTHER_FILES: readonly (readonly [RegExp, what: string, hint: string])[] = [
  [
    /^\s*(<!--.*?-->\s*)?<(!doctype html|html|head|body|script|meta|title)\b/is,
    'a web page, not a table: the download gave an error or a login page',
    'Fetch the file again and look at it before importing it.',
  ],
  [/^\s*<(\?xml|[a-z!])/i, 'XML, not a table', 'Save the sheet as "CSV UTF-8" or .xlsx, then import that file.'],
  [/^\s*[[{]\s*(["{[\]}]|$)/, 'JSON, not a table', 'Import it as CSV; docs/catalog.md describes the layouts.'],
  [/^%PDF-/, 'a PDF, not a table', 'Import the table that the publisher offers for download.'],
];

/** @throws CATALOG_UNREADABLE for a file that is plainly something else, whatever its encoding */
export function refuseOtherFiles(bytes: Uint8Array, file: string): void {
  refuseCompound(bytes, file);
  const start = Buffer.from(bytes.subarray(0, 2000))
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '');
  const found = OTHER_FILES.find(([pattern]) => pattern.test(start));
  if (!found) return;
  const [, what, hint] = found;
  throw new StructdbError('CATALOG_UNREADABLE', `${file} is ${what}.`, { hint });
}

/** Compound files of Microsoft's (MS-CFB): workbooks of Excel 97 to 2003, and newer ones behind a password. */
function refuseCompound(bytes: Uint8Array, file: string): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.subarray(0, 8).equals(Buffer.from('d0cf11e0a1b11ae1', 'hex'))) return;
  const locked = buffer.includes(Buffer.from('EncryptedPackage', 'utf16le'));
  throw new StructdbError(
    'CATALOG_UNREADABLE',
    locked ? `${file} is protected by a password.` : `${file} is a workbook of Excel 97 to 2003 (.xls).`,
    { hint: locked ? 'Save it without one, then import it.' : 'Save it as .xlsx or as "CSV UTF-8".' },
  );
}
