import { formatCount } from '../core/units.ts';
import type { Point } from './result.ts';

/** `10,000 projects, 4 clients` */
export function pointName({ data, clients }: Pick<Point, 'data' | 'clients'>): string {
  return `${counted(data.projects, 'project')}, ${counted(clients, 'client')}`;
}

/** The same with the rate of an open loop: what two runs must have in common to be compared. */
export function describePoint(point: Pick<Point, 'data' | 'clients' | 'loop'>): string {
  const { loop } = point;
  return `${pointName(point)}${loop.kind === 'open' ? `, ${loop.ratePerSecond} requests per second` : ''}`;
}

/** `1 client`, `4 clients` */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : several}`;
}
