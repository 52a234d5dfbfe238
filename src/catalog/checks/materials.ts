import type { MaterialContent } from '../readers/content.ts';
import { type MaterialRow, NUMBER_COLUMNS, tooLong } from '../rows.ts';
import { type Finding, judgeShape } from './judge.ts';
import { judgeStrengths } from './strengths.ts';
import type { UsShapes } from './us-shapes.ts';
import { valuesOf } from './values.ts';

/** What is wrong or odd about a shape or a grade, by its name, its numbers, and the US row of the same shape. */
export function judgeMaterial(
  row: MaterialRow,
  content: Pick<MaterialContent, 'undecided'>,
  shapes: UsShapes,
): readonly Finding[] {
  const certain: Finding[] = [];
  judgeName(row, certain);
  judgeLengths(row, certain);
  judgeZeros(row, certain);
  judgeStrengths(row, certain);
  // As long as the unit system of a file is not known, its rows are only compared with those that ship, which are good.
  if (row.texts.kind !== 'shape' || content.undecided) return certain;
  const values = valuesOf(row);
  const us = shapes.pair(row, values);
  return certain.length > 0 ? certain : judgeShape(row, values, us);
}

function judgeName({ designation }: MaterialRow, findings: Finding[]): void {
  if (/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(designation)) return;
  const reason = 'a designation is made of ASCII characters and single spaces';
  findings.push({ rule: 'name', column: 'designation', value: designation, reason, severity: 'error' });
}

/** Of what stands in an index; the unit system is one of two. */
function judgeLengths(
  { standard, edition, designation, variant, texts, numbers }: MaterialRow,
  findings: Finding[],
): void {
  const judge = (column: string, value: string | null | undefined) => {
    const reason = tooLong(value ?? '');
    if (reason) findings.push({ rule: 'length', column, value: value!, reason, severity: 'error' });
  };
  judge('standard', standard);
  judge('edition', edition);
  judge('designation', designation);
  judge('variant', variant);
  judge('shape_type', texts.shape_type);
  judge('zx', numbers.zx);
}

function judgeZeros({ numbers }: MaterialRow, findings: Finding[]): void {
  for (const column of NUMBER_COLUMNS) {
    if (numbers[column] !== '0') continue;
    findings.push({ rule: 'zero', column, value: '0', reason: 'must be greater than zero', severity: 'error' });
  }
}
