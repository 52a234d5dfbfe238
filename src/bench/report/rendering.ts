import type { AgainstResult } from '../against/result.ts';
import { toHtml } from './html.ts';
import { againstToHtml } from './html-against.ts';
import { toJUnit } from './junit.ts';
import { againstToJUnit } from './junit-against.ts';
import { toMarkdown } from './markdown.ts';
import { againstToMarkdown } from './markdown-against.ts';
import type { BenchReport } from './report.ts';

/** The forms that are read elsewhere. */
export type ReportForm = 'junit' | 'markdown' | 'html';

/** One result in each form, each rendered when it is asked for. */
export type Rendering = Readonly<Record<ReportForm, () => string>>;

export function renderingOfRun(report: BenchReport): Rendering {
  return { junit: () => toJUnit(report), markdown: () => toMarkdown(report), html: () => toHtml(report) };
}

export function renderingOfAgainst(result: AgainstResult): Rendering {
  return {
    junit: () => againstToJUnit(result),
    markdown: () => againstToMarkdown(result),
    html: () => againstToHtml(result),
  };
}
