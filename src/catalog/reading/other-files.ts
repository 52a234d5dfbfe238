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
  const start = Buffer.from(bytes.subarray(0, 2000))
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '');
  const found = OTHER_FILES.find(([pattern]) => pattern.test(start));
  if (!found) return;
  const [, what, hint] = found;
  throw new StructdbError('CATALOG_UNREADABLE', `${file} is ${what}.`, { hint });
}
