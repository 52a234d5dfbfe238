import { type JUnitCase, junitDocument } from '../../report/junit.ts';
import { phaseName } from './phases.ts';
import type { Report, Section } from './report.ts';

/** The report in the form that CI servers read: a suite per recovery, a case per promise. */
export function toJUnit(report: Report): string {
  const suites = report.sections.map(({ name, title, ...section }) => ({
    name: `${name} (${title})`,
    className: name,
    at: report.at,
    // The times of the axis are spans of data, not of work.
    seconds: section.skipped === undefined ? section.rto.measuredMs / 1000 : 0,
    cases: casesOf({ name, title, ...section }),
  }));
  const failed = suites.some(({ cases }) => cases.some(({ failure }) => failure !== undefined));
  // What no single case says (the newest backup was passed over) must not look like success.
  const verdict = {
    name: `verdict (${report.title})`,
    className: 'verdict',
    at: report.at,
    seconds: 0,
    cases: [{ name: 'verdict', seconds: 0, failure: report.verdict.message }],
  };
  return junitDocument('structdb dr-test', report.verdict.ok || failed ? suites : [...suites, verdict]);
}

function casesOf({ name: own, skipped, rto, axis, checks }: Section): JUnitCase[] {
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
