import { PRICES } from '../load/version-tables.ts';
import { parseDecimal } from '../reading/decimal.ts';
import { readWords, type VersionCell, versionReader } from './versions.ts';

/** Prices: item_code, version, unit_price, currency, unit, effective_from; effective_to may follow. */
export const pricingReader = versionReader('prices', PRICES, (column, text) => {
  if (column === 'unit_price') return readPrice(text);
  if (column === 'currency' && !/^[A-Z]{3}$/.test(text)) {
    return { reason: 'not a currency code of three capital letters (ISO 4217), such as USD' };
  }
  return readWords(column, text);
});

/** Money is numeric(12,2): a third decimal would be rounded away in silence. */
function readPrice(text: string): VersionCell {
  const value = parseDecimal(text);
  if (value === undefined) return { reason: 'not a number' };
  if (value.startsWith('-')) return { reason: 'negative; no price is' };
  const [whole = '', decimals = ''] = value.split('.');
  if (decimals.length > 2) return { reason: 'has more than two decimals' };
  return whole.length > 10 ? { reason: 'more than 9999999999.99' } : { value };
}
