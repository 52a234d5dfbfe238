import { phaseName } from './phases.ts';
import type { Report, Section } from './report.ts';

interface Case {
  readonly name: string;
  readonly seconds: number;
  /** undefined: it passed. */
  readonly failure?: string | undefined;
  readonly details?: readonly string[];
  /** Why nobody judged it. */
  readonly skipped?: string | undefined;
}

/** The report in the form that CI servers read: a suite per recovery, a case per promise. */
export function toJUnit(report: Report): string {
  const suites = report.sections.map((section) => ({ section, cases: casesOf(section) }));
  const all = suites.flatMap(({ cases }) => cases);
  const failures = all.filter(({ failure }) => failure !== undefined);
  // What no single case says (the newest backup was passed over) must not look like success.
  const verdict: Case[] =
    report.verdict.ok || failures.length > 0 ? [] : [{ name: 'verdict', seconds: 0, failure: report.verdict.message }];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="structdb dr-test" ${totals([...all, ...verdict])}>`,
    ...suites.map(({ section, cases }) => suite(section, cases, report.at)),
    ...(verdict.length > 0 ? [suite({ name: 'verdict', title: report.title }, verdict, report.at)] : []),
    '</testsuites>',
    '',
  ].join('\n');
}

function casesOf({ name: own, skipped, rto, axis, checks }: Section): Case[] {
  if (skipped !== undefined) return [{ name: own, seconds: 0, skipped }];
  const phases = Object.entries(rto.phases).map(([key, ms]) => `${phaseName(key)} ${Math.round(ms)} ms`);
  return [
    {
      name: 'RTO',
      seconds: rto.measuredMs / 1000,
      failure: rto.met ? undefined : `${Math.round(rto.measuredMs)} ms; the objective is ${rto.objectiveMs} ms`,
      details: phases,
    },
    {
      name: axis.title,
      seconds: Math.max(0, axis.disasterMs - axis.coveredMs) / 1000,
      failure: axis.ok === false ? axis.message : undefined,
      skipped: axis.ok === undefined ? axis.message : undefined,
    },
    ...checks.map(({ name, ok, message, details }) => ({
      name,
      seconds: 0,
      failure: ok ? undefined : message,
      details,
    })),
  ];
}

function suite({ name, title }: Pick<Section, 'name' | 'title'>, cases: readonly Case[], at: string): string {
  const body = cases.map((each) => {
    const head = `    <testcase classname="${escapeXml(name)}" name="${escapeXml(each.name)}" time="${each.seconds.toFixed(3)}"`;
    if (each.failure !== undefined) {
      const text = escapeXml((each.details ?? []).join('\n'));
      return `${head}><failure message="${escapeXml(each.failure)}">${text}</failure></testcase>`;
    }
    if (each.skipped !== undefined) return `${head}><skipped message="${escapeXml(each.skipped)}"/></testcase>`;
    return `${head}/>`;
  });
  return [
    `  <testsuite name="${escapeXml(`${name} (${title})`)}" timestamp="${at.slice(0, 19)}" ${totals(cases)}>`,
    ...body,
    '  </testsuite>',
  ].join('\n');
}

function totals(cases: readonly Case[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const skipped = cases.filter((each) => each.failure === undefined && each.skipped !== undefined).length;
  // The times of the axis are spans of data, not of work.
  const seconds = cases.filter(({ name }) => name === 'RTO').reduce((sum, each) => sum + each.seconds, 0);
  return `tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${seconds.toFixed(3)}"`;
}

/** Text for XML and HTML, attributes too; characters that XML does not have become `?`. */
export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 cannot hold them, not even escaped
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '?')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
  );
}
