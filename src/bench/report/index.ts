/** A result in the forms that are read elsewhere. */
export { toHtml } from './html.ts';
export { againstToHtml } from './html-against.ts';
export { failureToJUnit, toJUnit } from './junit.ts';
export { againstToJUnit } from './junit-against.ts';
export { toMarkdown } from './markdown.ts';
export { againstToMarkdown } from './markdown-against.ts';
export { type Rendering, type ReportForm, renderingOfAgainst, renderingOfRun } from './rendering.ts';
export type { BenchReport, QuerySamples } from './report.ts';
