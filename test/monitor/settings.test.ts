import { expect, it } from '@jest/globals';
import { settingNumber } from '../../src/monitor/collect/settings.ts';

it.each([
  ['shared_buffers', '16384', '8kB', 'integer', 'pg_settings_shared_buffers_bytes', 134_217_728],
  ['work_mem', '4096', 'kB', 'integer', 'pg_settings_work_mem_bytes', 4_194_304],
  ['max_wal_size', '1024', 'MB', 'integer', 'pg_settings_max_wal_size_bytes', 1_073_741_824],
  ['deadlock_timeout', '200', 'ms', 'integer', 'pg_settings_deadlock_timeout_seconds', 0.2],
  ['log_rotation_age', '1440', 'min', 'integer', 'pg_settings_log_rotation_age_seconds', 86_400],
  // -1 is "as another parameter says": no number of bytes.
  ['autovacuum_work_mem', '-1', 'kB', 'integer', 'pg_settings_autovacuum_work_mem_bytes', -1],
  ['random_page_cost', '1.1', '', 'real', 'pg_settings_random_page_cost', 1.1],
  ['fsync', 'on', '', 'bool', 'pg_settings_fsync', 1],
  ['jit', 'off', '', 'bool', 'pg_settings_jit', 0],
  ['pg_stat_statements.max', '5000', '', 'integer', 'pg_settings_pg_stat_statements_max', 5000],
  // Some hosted servers write the unit twice.
  ['rds.memory', '10MB', 'MB', 'integer', 'pg_settings_rds_memory_bytes', 10_485_760],
])('%s = %s %s is a number in bytes or seconds', (name, setting, unit, type, family, value) => {
  expect(settingNumber(name, setting, unit, type)).toEqual({ name: family, labels: {}, value });
});

it.each([
  ['wal_level', 'replica', '', 'enum'],
  ['cluster_name', '7', '', 'string'],
  ['odd', 'many', '', 'integer'],
  ['odd', '7', 'parsec', 'integer'],
])('%s = %s %s has no number', (name, setting, unit, type) => {
  expect(settingNumber(name, setting, unit, type)).toBeUndefined();
});
