import { escapeXml } from './escape.ts';

/** One promise. It passed when it has no failure, no error and was not skipped. */
export interface JUnitCase {
  readonly name: string;
  /** How long it took, or what it measured. */
  readonly seconds: number;
  /** What was broken. */
  readonly failure?: string | undefined;
  /** Why nobody can tell: CI servers count it as not passed, apart from failures. */
  readonly error?: string | undefined;
  /** Why nobody judged it. */
  readonly skipped?: string | undefined;
  /** The lines below the failure or the error. */
  readonly details?: readonly string[] | undefined;
  /** The lines that are kept with the case, whatever came of it. */
  readonly output?: readonly string[] | undefined;
}

export interface JUnitSuite {
  readonly name: string;
  /** `classname` of its cases, by which CI servers group them. */
  readonly className: string;
  /** When it ran, ISO 8601. */
  readonly at: string;
  readonly cases: readonly JUnitCase[];
  /** How long all of it took; cases may time something else. */
  readonly seconds: number;
  readonly properties?: readonly (readonly [name: string, value: string])[];
}

/** The form that CI servers read. The counts of each suite and of all are those of the cases. */
export function junitDocument(name: string, suites: readonly JUnitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases);
  const seconds = suites.reduce((sum, suite) => sum + suite.seconds, 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escapeXml(name)}" ${totals(all, seconds)}>`,
    ...suites.map(suiteElement),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteElement({ name, className, at, cases, seconds, properties = [] }: JUnitSuite): string {
  const known = properties.map(
    ([key, value]) => `      <property name="${escapeXml(key)}" value="${escapeXml(value)}"/>`,
  );
  return [
    `  <testsuite name="${escapeXml(name)}" timestamp="${escapeXml(at.slice(0, 19))}" ${totals(cases, seconds)}>`,
    ...(known.length > 0 ? ['    <properties>', ...known, '    </properties>'] : []),
    ...cases.map((each) => caseElement(each, className)),
    '  </testsuite>',
  ].join('\n');
}

function caseElement(each: JUnitCase, className: string): string {
  const head = `    <testcase classname="${escapeXml(className)}" name="${escapeXml(each.name)}" time="${spell(each.seconds)}"`;
  const text = escapeXml((each.details ?? []).join('\n'));
  const inside = [
    outcomeOf(each) === 'failure' ? `<failure message="${escapeXml(each.failure!)}">${text}</failure>` : '',
    outcomeOf(each) === 'error' ? `<error message="${escapeXml(each.error!)}">${text}</error>` : '',
    outcomeOf(each) === 'skipped' ? `<skipped message="${escapeXml(each.skipped!)}"/>` : '',
    each.output ? `<system-out>${escapeXml(each.output.join('\n'))}</system-out>` : '',
  ].join('');
  return inside === '' ? `${head}/>` : `${head}>${inside}</testcase>`;
}

function outcomeOf(each: JUnitCase): 'failure' | 'error' | 'skipped' | 'passed' {
  if (each.failure !== undefined) return 'failure';
  if (each.error !== undefined) return 'error';
  return each.skipped === undefined ? 'passed' : 'skipped';
}

function totals(cases: readonly JUnitCase[], seconds: number): string {
  const count = (outcome: ReturnType<typeof outcomeOf>) => cases.filter((each) => outcomeOf(each) === outcome).length;
  return `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}" time="${spell(seconds)}"`;
}

/** To the microsecond below a second: a query takes less than what three digits tell. */
function spell(seconds: number): string {
  return seconds.toFixed(seconds < 1 ? 6 : 3);
}
