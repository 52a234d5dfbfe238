import type { NumberColumn, UnitSystem } from './rows.ts';

/** Units of the columns, as AISC's tables print them; strengths are in ksi and MPa. */
export const UNITS: Readonly<Record<NumberColumn, Readonly<Record<UnitSystem, string>>>> = Object.freeze({
  weight: { US: 'lb/ft', SI: 'kg/m' },
  area: { US: 'in²', SI: 'mm²' },
  depth: { US: 'in', SI: 'mm' },
  ix: { US: 'in⁴', SI: '10⁶ mm⁴' },
  sx: { US: 'in³', SI: '10³ mm³' },
  zx: { US: 'in³', SI: '10³ mm³' },
  rx: { US: 'in', SI: 'mm' },
  iy: { US: 'in⁴', SI: '10⁶ mm⁴' },
  sy: { US: 'in³', SI: '10³ mm³' },
  zy: { US: 'in³', SI: '10³ mm³' },
  ry: { US: 'in', SI: 'mm' },
  fy: { US: 'ksi', SI: 'MPa' },
  fu: { US: 'ksi', SI: 'MPa' },
});
