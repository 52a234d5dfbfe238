import type { Sample } from '../metrics/metric.ts';
import type { Collector } from './collector.ts';
import { fromQuery } from './from-query.ts';

/**
 * Whether this is a standby and how far it is behind. An idle primary sends nothing to replay: the lag is then 0, and the
 * age of the last replay says since when nothing came, so that a broken replication is seen too.
 */
export const replication = fromQuery({
  name: 'replication',
  scope: 'server',
  prefix: 'pg_replication_',
  sql: () => `
    select
      case when not pg_is_in_recovery() or pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
        else greatest(0, extract(epoch from now() - pg_last_xact_replay_timestamp())) end as lag_seconds,
      pg_is_in_recovery()::int as is_replica,
      greatest(0, extract(epoch from now() - pg_last_xact_replay_timestamp())) as last_replay_seconds`,
});

/** Position of the server's WAL: what it writes, or what it received where it is a standby. */
const OWN_POSITION = `case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end`;

/**
 * Each connected standby or receiver, and how far it is behind in bytes. The process is a label because two of them may be
 * alike in all others. The times are NULL while nothing is behind.
 */
export const statReplication = fromQuery({
  name: 'stat_replication',
  scope: 'server',
  prefix: 'pg_stat_replication_',
  labels: ['application_name', 'client_addr', 'state', 'slot_name', 'pid'],
  sql: () => `
    select r.application_name, host(r.client_addr) as client_addr, r.state, s.slot_name, r.pid,
      pg_wal_lsn_diff(${OWN_POSITION}, '0/0') as pg_current_wal_lsn_bytes,
      pg_wal_lsn_diff(${OWN_POSITION}, r.replay_lsn) as pg_wal_lsn_diff,
      coalesce(extract(epoch from r.write_lag), 0) as structdb_replication_write_lag_seconds,
      coalesce(extract(epoch from r.flush_lag), 0) as structdb_replication_flush_lag_seconds,
      coalesce(extract(epoch from r.replay_lag), 0) as structdb_replication_replay_lag_seconds
    from pg_stat_replication r
    left join pg_replication_slots s on s.active_pid = r.pid`,
});

/** Replication slots: whether somebody reads, how much WAL each holds back, and how much it may. */
export const replicationSlots: Collector = {
  name: 'replication_slots',
  scope: 'server',
  async collect(ask) {
    const { rows } = await ask(
      'replication_slots',
      `select slot_name, slot_type, database, active::int, pg_wal_lsn_diff(${OWN_POSITION}, restart_lsn),
         pg_wal_lsn_diff(${OWN_POSITION}, '0/0'), pg_wal_lsn_diff(coalesce(confirmed_flush_lsn, '0/0'), '0/0'),
         safe_wal_size, wal_status
       from pg_replication_slots`,
    );
    const samples: Sample[] = [];
    for (const [slot, type, database, active, behind, position, flushed, safe, status] of rows) {
      const add = (name: string, labels: Readonly<Record<string, string>>, value: string | null | undefined) => {
        if (value !== null && value !== undefined)
          samples.push({ name: `pg_replication_slots_${name}`, labels, value: Number(value) });
      };
      const byDatabase = { slot_name: slot!, database: database ?? '' };
      const byType = { slot_name: slot!, slot_type: type! };
      add('active', byDatabase, active);
      add('pg_wal_lsn_diff', byDatabase, behind);
      add('slot_current_wal_lsn', byType, position);
      if (active === '1') add('slot_confirmed_flush_lsn', byType, flushed);
      add('slot_is_active', byType, active);
      add('safe_wal_size_bytes', byType, safe);
      if (status) add('wal_status', { ...byType, wal_status: status }, '1');
    }
    return { samples };
  },
};

/** What `status` of a WAL receiver is told as. */
const RECEIVER_STATUS = `case status when 'stopped' then 0 when 'starting' then 1 when 'streaming' then 2
  when 'waiting' then 3 when 'restarting' then 4 when 'stopping' then -1 else -2 end`;

/** The WAL receiver of a standby. A position is told by its low 52 bits, which a number of Prometheus holds exactly. */
export const statWalReceiver = fromQuery({
  name: 'stat_wal_receiver',
  scope: 'server',
  prefix: 'pg_stat_wal_receiver_',
  labels: ['upstream_host', 'slot_name'],
  sql: () => `
    select coalesce(sender_host, '') as upstream_host, slot_name, ${RECEIVER_STATUS} as status,
      (receive_start_lsn - '0/0') % (2 ^ 52)::bigint as receive_start_lsn, receive_start_tli,
      (flushed_lsn - '0/0') % (2 ^ 52)::bigint as flushed_lsn, received_tli,
      extract(epoch from last_msg_send_time) as last_msg_send_time,
      extract(epoch from last_msg_receipt_time) as last_msg_receipt_time,
      (latest_end_lsn - '0/0') % (2 ^ 52)::bigint as latest_end_lsn,
      extract(epoch from latest_end_time) as latest_end_time
    from pg_stat_wal_receiver`,
});
