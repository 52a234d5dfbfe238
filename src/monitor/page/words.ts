import { formatCount } from '../../core/units.ts';

/** `99.4 %`, never rounded up: what is not all is not 100 %. */
export function percent(ratio: number): string {
  return `${Math.floor(ratio * 1000 + 1e-6) / 10} %`;
}

/** `0.3/s`, `12.4/s`, `4,598/s` */
export function perSecond(rate: number): string {
  return `${rate < 100 ? Number(rate.toFixed(1)) : formatCount(Math.round(rate))}/s`;
}
