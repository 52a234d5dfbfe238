/** The encodings in which tables of sections are found, by the names that `--encoding` takes. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'mac-roman', 'gb18030', 'cp437'] as const;

export type Encoding = (typeof ENCODINGS)[number];

/** Those that a file may be in when it is neither UTF-8 nor marked as UTF-16, the commonest first. */
export const CODE_PAGES = ['windows-1252', 'mac-roman', 'gb18030', 'cp437'] as const satisfies readonly Encoding[];

/** The upper half of IBM's code page 437, the only one that TextDecoder does not know. */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/** Takes the bytes of a text piece by piece, and at last undefined; throws TypeError for bytes that the encoding does not have. */
export type StreamingDecoder = (chunk: Uint8Array | undefined) => string;

export function streamingDecoder(encoding: Encoding): StreamingDecoder {
  if (encoding === 'cp437') return (chunk) => (chunk === undefined ? '' : decodeAs(encoding, chunk));
  const decoder = new TextDecoder(encoding === 'mac-roman' ? 'macintosh' : encoding, { fatal: true });
  return (chunk) => (chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true }));
}

/** The text of the bytes in an encoding; bytes that it does not have become U+FFFD. A byte order mark is left out. */
export function decodeAs(encoding: Encoding, bytes: Uint8Array): string {
  if (encoding !== 'cp437') {
    return new TextDecoder(encoding === 'mac-roman' ? 'macintosh' : encoding).decode(bytes);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return text.replaceAll(/[\x80-\xff]/g, (character) => CP437[character.charCodeAt(0) - 0x80]!);
}
