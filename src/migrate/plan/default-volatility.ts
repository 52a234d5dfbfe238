import { findAll, type SqlNode } from '../../core/parse-sql.ts';

/** Functions that PostgreSQL 15 declares stable or immutable and that defaults use (pg_proc.provolatile). */
const STEADY = new Set(
  ['now', 'transaction_timestamp', 'statement_timestamp', 'current_setting', 'current_database', 'current_schema']
    .concat(['to_jsonb', 'jsonb_build_object', 'jsonb_build_array', 'json_build_object', 'json_build_array'])
    .concat([
      'lower',
      'upper',
      'md5',
      'timezone',
      'date_trunc',
      'make_date',
      'make_interval',
      'int4range',
      'daterange',
    ]),
);
const VOLATILE = new Set(
  ['random', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'uuid_generate_v1', 'uuid_generate_v4', 'clock_timestamp'].concat([
    'timeofday',
    'nextval',
    'currval',
    'setval',
  ]),
);

/** Whether a default is the same for every row of one statement; `unknown`: it calls a function of no known kind. */
export function defaultVolatility(expression: SqlNode | undefined): 'constant' | 'volatile' | 'unknown' {
  const called = findAll(expression, 'FuncCall').map(
    ({ funcname = [] }) => findAll(funcname.at(-1), 'String')[0]?.sval ?? '',
  );
  if (called.some((name) => VOLATILE.has(name))) return 'volatile';
  return called.every((name) => STEADY.has(name)) ? 'constant' : 'unknown';
}
