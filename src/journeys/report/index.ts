/** One page that gathers the evidence, with an index of how far it proves what is promised. */
export { type Confidence, formatIndex, type Gap, type Proof, type Term } from './confidence.ts';
export type { Evidence } from './evidence.ts';
export { type GatherOptions, gather } from './gather.ts';
export { toHtml } from './html.ts';
export { toMarkdown } from './markdown.ts';
export { headline, judgeReport, type Report, reportOf } from './report.ts';
export type { Section, Tone } from './sections/section.ts';
