import { SaxesParser } from 'saxes';

export interface XmlHandlers {
  readonly open: (name: string, attributes: Readonly<Record<string, string>>) => void;
  readonly text?: (text: string) => void;
  readonly close?: (name: string) => void;
}

/** The text of a sheet need not be in memory as a whole besides its bytes. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Walks through a part of a workbook. Names come without their prefix, which some programs write.
 * @throws Error for XML that is not well formed, or that declares entities: no spreadsheet does
 */
export function walkXml(bytes: Uint8Array, { open, text, close }: XmlHandlers): void {
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
  const parser = new SaxesParser();
  parser.on('doctype', () => {
    throw new Error('it has a document type');
  });
  parser.on('opentag', ({ name, attributes }) => open(local(name), attributes));
  if (text) parser.on('text', text);
  if (close) parser.on('closetag', ({ name }) => close(local(name)));
  const decoder = new TextDecoder(wide ? 'utf-16le' : 'utf-8', { fatal: true });
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    parser.write(decoder.decode(bytes.subarray(at, at + CHUNK_BYTES), { stream: true }));
  }
  parser.write(decoder.decode()).close();
}

function local(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(colon + 1);
}

/** The value of an attribute of any prefix: `r:id` is `rel:id` in some files. */
export function attribute(attributes: Readonly<Record<string, string>>, name: string): string | undefined {
  return attributes[name] ?? Object.entries(attributes).find(([key]) => local(key) === name)?.[1];
}
