/**
 * The EDI name of any shape of AISC's table from its label, for files without EDI names. It is right for every shape of
 * v14.1, v15.0 and v16.0 (a test compares them): besides HSS, pipes have a name of their own, by schedule, and AISC's
 * table spells four small HSS unlike all others.
 */
export function ediNameOfLabel(label: string): string {
  const name = label.toUpperCase();
  const pipe = /^PIPE(\d+(?:-\d+\/\d+|\/\d+)?)(STD|XS|XXS)$/.exec(name);
  if (!pipe) return UNLIKE_OTHERS.get(name) ?? ediName(name);
  const [, size, weight] = pipe as unknown as [string, string, keyof typeof SCHEDULES];
  // `2-1/2` and `3/4` are below ten inches like `2` and `3`.
  const schedule = SCHEDULES[weight](Number.parseInt(size, 10));
  return schedule === undefined ? name : `PIPE${size}SCH${schedule}`;
}

/**
 * The EDI name of an HSS from the label in AISC's Manual, for tables that have only the label: the wall is written in
 * decimals to three places without the leading zero (`HSS34X10X7/8` → `HSS34X10X.875`), the diameter of a round one
 * without trailing zeros (`HSS1.900X0.145` → `HSS1.9X.145`). Names of other families are the same in both forms.
 */
function ediName(label: string): string {
  const name = label.toUpperCase();
  const match = /^HSS(.+)X([^X]+)$/.exec(name);
  if (!match) return name;
  const sides = match[1]!.split('X').map((side) => (side.includes('.') ? side.replace(/\.?0+$/, '') : side));
  return `HSS${sides.join('X')}X${wall(match[2]!)}`;
}

function wall(text: string): string {
  const fraction = /^(\d+)\/(\d+)$/.exec(text);
  // Thousandths of an inch, halves upward, as the table rounds 5/16 to .313 and 3/16 to .188.
  if (fraction) return `.${String(Math.round((Number(fraction[1]) / Number(fraction[2])) * 1000)).padStart(3, '0')}`;
  return text.replace(/^0(?=\.)/, '');
}

const UNLIKE_OTHERS: ReadonlyMap<string, string> = new Map([
  ['HSS3-1/2X3-1/2X3/16', 'HSS3-1/2X3-1/2X188'],
  ['HSS1-1/2X1-1/2X1/4', 'HSS1-1/2X1-1/2X0.250'],
  ['HSS1-1/2X1-1/2X3/16', 'HSS1-1/2X1-1/2X0.188'],
  ['HSS1-1/2X1-1/2X1/8', 'HSS1-1/2X1-1/2X0.125'],
]);

/** The schedule (ASME B36.10) under which AISC lists a pipe, by its size in inches; undefined where it keeps the weight. */
const SCHEDULES = {
  STD: (size: number) => (size <= 10 ? 40 : { 14: 30, 16: 30, 20: 20, 24: 20 }[size]),
  XS: (size: number) => (size <= 10 ? 80 : { 16: 40, 20: 30, 26: 20 }[size]),
  XXS: (size: number) => ({ 10: 140, 12: 120 })[size],
};
