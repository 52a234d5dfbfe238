import type { MaterialRow } from '../rows.ts';
import type { Finding } from './judge.ts';

/** What yield and tensile strength of a material have to do with each other. All of it is certain. */
export function judgeStrengths({ numbers, properties }: MaterialRow, findings: Finding[]): void {
  if (!numbers.fy && !numbers.fu) return;
  const report = (column: string, value: string, reason: string) =>
    void findings.push({ rule: 'strengths', column, value, reason, severity: 'error' });
  for (const name of ['fy', 'fu'] as const) {
    const least = numbers[name];
    const most = properties.get(`${name}_max`);
    if (least && typeof most === 'string' && Number(most) < Number(least)) {
      report(`${name}_max`, most, `less than the minimum of ${least}`);
    }
  }
  const { fy, fu } = numbers;
  if (fy && fu && Number(fy) > Number(fu)) report('fy', fy, `more than the tensile strength of ${fu}`);
}
