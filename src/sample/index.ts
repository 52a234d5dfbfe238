/** Sample data of a structural-engineering platform: the same rows for the same seed, at any scale. */
export { type SampleChunk, sampleChunks } from './copy-stream.ts';
export { copyText, copyValue } from './copy-text.ts';
export {
  SAMPLE_CONSTANTS_VERSION,
  sampleEvents,
  samplePayloads,
  sampleProjectIds,
  sampleProjects,
  type Wanted,
} from './generate.ts';
export { Random } from './random.ts';
export {
  defaultSample,
  type EventRow,
  type PayloadRow,
  type ProjectEventType,
  type ProjectRow,
  type ProjectStatus,
  type SampleOptions,
} from './rows.ts';
export { eventsTable, payloadsTable, projectsTable, type SampleTable, sampleTables } from './tables.ts';
