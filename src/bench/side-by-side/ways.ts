/**
 * The ways to ask: `kysely` builds, compiles and runs as an application does; `kyselyPrepared` does so over connections that
 * prepare what comes again, as `createDatabase` opens them; `pg` hands the finished statement to the driver; `pgPrepared`
 * does so under a name, so that the server parses and plans it once for each session; `pgbench` is PostgreSQL's own program,
 * prepared, without JavaScript.
 */
export const WAYS = Object.freeze(['kysely', 'kyselyPrepared', 'pg', 'pgPrepared', 'pgbench'] as const);
export type Way = (typeof WAYS)[number];
