/** A result in the forms that are read elsewhere. */
export { toHtml } from './html.ts';
export { failureToJUnit, toJUnit } from './junit.ts';
export { toMarkdown } from './markdown.ts';
export type { BenchReport, QuerySamples } from './report.ts';
