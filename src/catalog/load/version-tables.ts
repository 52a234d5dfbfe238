/** A table of named values in versions, each in force for a range of days. */
export interface VersionTable {
  readonly name: 'public.calibration_constants' | 'public.pricing_configs';
  /** The column that names what has versions. */
  readonly key: 'name' | 'item_code';
  /** What a version says, in the order of `VersionRow.values`. */
  readonly values: readonly { readonly name: string; readonly type: 'text' | 'numeric' }[];
  /** For messages: `calibration constants`, `prices`. */
  readonly plural: string;
}

export const CONSTANTS: VersionTable = Object.freeze({
  name: 'public.calibration_constants',
  key: 'name',
  values: [
    { name: 'value', type: 'numeric' as const },
    { name: 'unit', type: 'text' as const },
    { name: 'description', type: 'text' as const },
    { name: 'source', type: 'text' as const },
  ],
  plural: 'calibration constants',
});

export const PRICES: VersionTable = Object.freeze({
  name: 'public.pricing_configs',
  key: 'item_code',
  values: [
    { name: 'unit_price', type: 'numeric' as const },
    { name: 'currency', type: 'text' as const },
    { name: 'unit', type: 'text' as const },
  ],
  plural: 'prices',
});

/** One version of a constant or a price. Numbers are exact decimals as text. */
export interface Version {
  /** Of the constant, or the code of the item. */
  readonly name: string;
  readonly version: string;
  /** In the order of the table's columns. */
  readonly values: readonly string[];
  /** The first day in force, `YYYY-MM-DD`. */
  readonly from: string;
  /** The first day no longer in force; null while no end is set. */
  readonly to: string | null;
}

/** A version as a file gives it. */
export interface VersionRow extends Version {
  /** Line of the file on which the row begins, counted from 1. */
  readonly line: number;
}
