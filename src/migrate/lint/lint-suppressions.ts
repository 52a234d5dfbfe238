import type { RegisteredMigration } from '../registry.ts';
import type { LintFinding, SuppressedFinding } from './lint-findings.ts';

const COMMENT = /--\s*structdb-lint-ignore\b[ \t]*([\w-]*)[ \t]*:?[ \t]*([^\r\n]*)/g;

/** The rules that a migration's file wants ignored, with the reasons: `export const lint`, or comments in SQL. */
export function suppressionsOf(
  { lint, source }: RegisteredMigration,
  statements: readonly string[],
): Map<string, string> {
  const found = new Map<string, string>();
  for (const [rule, reason] of Object.entries(lint ?? {})) found.set(rule, String(reason ?? '').trim());
  const text = source !== undefined && /\.sql$/i.test(source.file) ? source.text : statements.join('\n');
  for (const [, rule = '', reason = ''] of text.matchAll(COMMENT)) found.set(rule, reason.trim());
  return found;
}

/** Takes out what is ignored with a reason; one without a reason is an error, one that nothing needs a warning. */
export function suppress(
  migration: string,
  findings: readonly LintFinding[],
  suppressions: ReadonlyMap<string, string>,
): { readonly findings: readonly LintFinding[]; readonly suppressed: readonly SuppressedFinding[] } {
  const suppressed = findings.flatMap((finding) => {
    const reason = suppressions.get(finding.rule);
    return reason ? [{ ...finding, reason }] : [];
  });
  const kept = findings.filter(({ rule }) => !suppressions.get(rule));
  const own: LintFinding[] = [];
  for (const [rule, reason] of suppressions) {
    const base = { migration, statement: null, sql: null };
    if (rule === '' || reason === '') {
      own.push({
        ...base,
        rule: 'suppression-without-reason',
        level: 'error',
        message: rule === '' ? 'A lint-ignore comment names no rule.' : `Rule ${rule} is ignored without a reason.`,
        help: `Say why: -- structdb-lint-ignore ${rule || '<rule>'}: <reason>, or in TypeScript: export const lint = { '${rule || '<rule>'}': '<reason>' }`,
      });
    } else if (!findings.some((finding) => finding.rule === rule)) {
      own.push({
        ...base,
        rule: 'unused-suppression',
        level: 'warning',
        message: `Rule ${rule} is ignored, but finds nothing here.`,
        help: 'Take the line out.',
      });
    }
  }
  return { findings: [...kept, ...own], suppressed };
}
