import { sql } from 'kysely';

/**
 * What is the same at every call stands in the statement, not among its values. A prepared statement may get one plan for all
 * values, and that plan knows nothing of them: it expects a LIMIT to take a tenth of all rows, a kind of event to be as
 * frequent as any other, and cannot use an index that holds the active projects alone.
 */
export const fixed = <T extends string | number>(value: T) => sql.lit(value);
