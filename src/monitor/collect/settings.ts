import type { Sample } from '../metrics/metric.ts';
import type { Collector } from './collector.ts';

/** Bytes or seconds of one of each unit that pg_settings knows. */
const UNITS: Readonly<Record<string, readonly ['bytes' | 'seconds', number]>> = {
  B: ['bytes', 1],
  kB: ['bytes', 1024],
  MB: ['bytes', 1024 ** 2],
  GB: ['bytes', 1024 ** 3],
  TB: ['bytes', 1024 ** 4],
  us: ['seconds', 1e-6],
  ms: ['seconds', 1e-3],
  s: ['seconds', 1],
  min: ['seconds', 60],
  h: ['seconds', 3600],
  d: ['seconds', 86_400],
};

/**
 * The server's parameters as numbers in bytes and seconds, and those that wait for a restart. What the exporter's own session
 * was started with says nothing about the server, which does not tell what it would be else: its time limits are left out.
 */
export const settings: Collector = {
  name: 'settings',
  scope: 'server',
  async collect(ask) {
    const { rows } = await ask(
      'settings',
      `select name, case source when 'session' then reset_val else setting end, unit, vartype, pending_restart
       from pg_settings
       where (vartype in ('bool', 'integer', 'real') or pending_restart) and source <> 'client'`,
    );
    // An extension's "a.b" and "a_b" would be one name.
    const samples = new Map<string, Sample>();
    for (const [name, setting, unit, type, pending] of rows) {
      if (pending === 't')
        samples.set(`pending ${name}`, { name: 'pg_settings_pending_restart', labels: { name: name! }, value: 1 });
      const parameter = settingNumber(name!, setting ?? '', unit ?? '', type!);
      if (parameter && !samples.has(parameter.name)) samples.set(parameter.name, parameter);
    }
    return { samples: [...samples.values()] };
  },
};

/** undefined where the parameter has no number. -1 means "as another one says" or "off", and stays what it is. */
export function settingNumber(name: string, setting: string, unit: string, type: string): Sample | undefined {
  const family = `pg_settings_${name.replaceAll(/[^A-Za-z0-9_]/g, '_')}`;
  if (type === 'bool') return { name: family, labels: {}, value: setting === 'on' ? 1 : 0 };
  if (type !== 'integer' && type !== 'real') return undefined;
  // Some hosted servers write the unit behind the number.
  const value = Number.parseFloat(setting);
  if (Number.isNaN(value)) return undefined;
  if (unit === '') return { name: family, labels: {}, value };
  const [, times, base] = /^(\d*)([A-Za-z]+)$/.exec(unit) ?? [];
  const known = base === undefined ? undefined : UNITS[base];
  if (!known) return undefined;
  const [suffix, factor] = known;
  return {
    name: `${family}_${suffix}`,
    labels: {},
    value: value === -1 ? -1 : scale(value * Number(times || 1), factor),
  };
}

/** 200 ms are 0.2 s: a multiplication by 0.001 would give 0.2 and a crumb. */
function scale(value: number, factor: number): number {
  return factor < 1 ? value / Math.round(1 / factor) : value * factor;
}
