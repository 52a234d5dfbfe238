/** Reference data: AISC shapes, ASTM grades, code references, calibration constants and prices. */

export { type ImportOptions, importCatalogs } from './import.ts';
export type { Changes, RowChange, ValueChange } from './load/preview.ts';
export type { ClosedRange } from './load/version-plan.ts';
export {
  type ChangedRow,
  type ChangedValue,
  type DiffOptions,
  type DiffResult,
  diffEditions,
  type NamedRow,
} from './lookup/diff.ts';
export { type ExportOptions, type ExportResult, exportCatalog } from './lookup/export.ts';
export { type ImportRecord, listImports } from './lookup/imports.ts';
export { type ListResult, listCatalogs, type StoredEdition } from './lookup/list.ts';
export type { Origin } from './lookup/origins.ts';
export { catalogProvenance, type Provenance, type SourcedEdition } from './lookup/provenance.ts';
export type { Queryable, Source } from './lookup/reader.ts';
export {
  cellOf,
  type FoundMaterial,
  type SearchCriteria,
  type SearchOptions,
  type SearchResult,
  searchCatalog,
} from './lookup/search.ts';
export { type ShowOptions, type ShowResult, type StoredMaterial, showDesignation } from './lookup/show.ts';
export {
  judgeVerifiedCatalogs,
  type RowDifference,
  type ValueDifference,
  type VerifiedFile,
  type VerifyOptions,
  type VerifyResult,
  verifyCatalogs,
} from './lookup/verify.ts';
export type { StoredRelease, StoredVersion } from './lookup/versions.ts';
export { ENCODINGS, type Encoding } from './reading/encodings.ts';
export type { CatalogSource } from './reading/source.ts';
export type { EditionCount, FileReport, ImportCounts, ImportResult } from './result.ts';
export { describeGroup, type RetirementGroup, type RetirementOptions } from './retirement.ts';
export type { RowProblem, UnitSystem } from './rows.ts';
export { shippedCatalogs } from './shipped.ts';
export { unitOf } from './units.ts';
export { csvLine } from './write.ts';
