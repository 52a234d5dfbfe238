import { CONSTANTS } from '../load/version-tables.ts';
import { parseDecimal } from '../reading/decimal.ts';
import { readWords, versionReader } from './versions.ts';

/** Calibration constants: name, version, value, unit, description, source, effective_from; effective_to may follow. */
export const calibrationConstantsReader = versionReader('calibration constants', CONSTANTS, (column, text) => {
  if (column !== 'value') return readWords(column, text);
  const value = parseDecimal(text);
  return value === undefined ? { reason: 'not a number' } : { value };
});
