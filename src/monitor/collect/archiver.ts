import { fromQuery } from './from-query.ts';

/** How archiving goes. The age is absent until the first segment is archived. */
export const statArchiver = fromQuery({
  name: 'stat_archiver',
  scope: 'server',
  prefix: 'pg_stat_archiver_',
  sql: () => `
    select archived_count, failed_count, extract(epoch from now() - last_archived_time) as last_archive_age
    from pg_stat_archiver`,
});
