/**
 * Calls `visit` for each entry of a JSON object of words and numbers, as material_catalog's `properties` are, in the order
 * of the text. A number is given as it is written: JSON.parse would make a float of it. A value that is neither (nobody
 * but a hand puts one there) is given as its JSON text; null is no value and left out.
 */
export function eachProperty(json: string, visit: (name: string, value: string) => void): void {
  let at = skipBlanks(json, json.indexOf('{') + 1);
  while (at < json.length && json.charCodeAt(at) !== CLOSE) {
    const endOfName = endOfString(json, at);
    const name = unquote(json.slice(at, endOfName));
    at = skipBlanks(json, json.indexOf(':', endOfName) + 1);
    const end = endOfValue(json, at);
    const value = json.charCodeAt(at) === QUOTE ? unquote(json.slice(at, end)) : json.slice(at, end).trimEnd();
    if (value !== 'null' || json.charCodeAt(at) === QUOTE) visit(name, value);
    at = skipBlanks(json, end);
    if (json.charCodeAt(at) === COMMA) at = skipBlanks(json, at + 1);
  }
}

const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const OPEN = 123;
const CLOSE = 125;

function skipBlanks(json: string, from: number): number {
  let at = from;
  while (json.charCodeAt(at) <= 32) at += 1;
  return at;
}

/** Behind the closing quote of the string that begins at `from`. */
function endOfString(json: string, from: number): number {
  let at = from + 1;
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

function endOfValue(json: string, from: number): number {
  if (json.charCodeAt(from) === QUOTE) return endOfString(json, from);
  let depth = 0;
  let at = from;
  while (at < json.length) {
    const code = json.charCodeAt(at);
    if (depth === 0 && (code === COMMA || code === CLOSE)) return at;
    if (code === QUOTE) {
      at = endOfString(json, at);
      continue;
    }
    if (code === OPEN || code === OPEN_LIST) depth += 1;
    if (code === CLOSE || code === CLOSE_LIST) depth -= 1;
    at += 1;
  }
  return at;
}

function unquote(text: string): string {
  return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1);
}
