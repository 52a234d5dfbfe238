/**
 * How well a text looks like a table of sections, by the characters outside ASCII and by where they stand:
 * - `table`: nothing but what such tables hold: dashes, quotes, ², °, ½ …
 * - `possible`: letters and signs that somebody may have written, and that may as well come from a wrong code page
 * - `impossible`: what nobody writes, so that the text was read in a wrong code page
 */
export type Likeness = 'table' | 'possible' | 'impossible';

export interface Judgement {
  readonly likeness: Likeness;
  /** The first cell that makes it so; absent when all is well. */
  readonly cell?: string;
}

/**
 * A code page is told from the others by what they would make of the file, so `impossible` has to be certain. AISC's dash
 * alone in a cell is Ð, ñ, û or ╨ in wrong code pages: a cell that holds one letter with an accent, or a box.
 */
export function judgeText(text: string): Judgement {
  const judged = new Set<string>();
  let likeness: Likeness = 'table';
  let first: string | undefined;
  // Cells, whatever separates them: only those with a character outside ASCII (or a control character) are looked at.
  for (const [match] of text.matchAll(SUSPICIOUS_CELL)) {
    const cell = match.trim();
    if (judged.has(cell)) continue;
    judged.add(cell);
    const judgement = judgeCell(cell);
    if (judgement === 'impossible') return { likeness: 'impossible', cell };
    if (judgement === 'possible') {
      likeness = 'possible';
      first ??= cell;
    }
  }
  return first === undefined ? { likeness } : { likeness, cell: first };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const SUSPICIOUS_CELL = /[^,;\t"\r\n]*[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\u{10ffff}][^,;\t"\r\n]*/gu;

/** Controls, private use, unassigned, what could not be decoded; boxes and blocks; accents without a letter. */
const NEVER = /[\p{Cc}\p{Co}\p{Cn}\ufffd\u2500-\u259f¨¸ˆ˜¯¦˘˛ˇ]/u;
const SPANISH = /¡(?!.*!)|¿(?!.*\?)/u;
/** A mark that belongs behind a word. */
const LOST_MARK = /(?<![\p{L}\p{N}\s).])[®™]/u;
/** Latin letters with accents; ø and ƒ are signs in tables, ª and º stand behind numbers. */
const ACCENTED = '(?![ªºØøƒ])(?=\\P{ASCII})\\p{Script=Latin}';
const LOST_LETTER = new RegExp(`^\\P{ASCII}?${ACCENTED}\\P{ASCII}?$|\\d${ACCENTED}\\d`, 'u');
const TAN = /^tan\((.*)\)(?:\.\d+)?$/su;

// What tables of sections hold, and where.
const PUNCTUATION = '\u00a0‐‑‒–—―−‘’“”…•·×±′″';
const AT_HOME = new RegExp(
  `[${PUNCTUATION}]|(?<=[\\p{L}\\p{N})])[²³]|(?<=[\\d\\s])°|(?<!\\p{L})[½¼¾⅛⅜⅝⅞](?!\\p{L})`,
  'gu',
);

function judgeCell(cell: string): Likeness {
  // The header of AISC's angle: whatever stands in it is a letter of Greek, or one that was lost.
  const angle = TAN.exec(cell)?.[1];
  if (angle !== undefined) return angle === 'α' ? 'table' : 'impossible';
  if (NEVER.test(cell) || SPANISH.test(cell) || LOST_MARK.test(cell) || LOST_LETTER.test(cell)) return 'impossible';
  return /\P{ASCII}/u.test(cell.replaceAll(AT_HOME, '')) ? 'possible' : 'table';
}
