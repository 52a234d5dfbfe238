import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { StoreConfig } from '../../config/schema.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import { parseLsn } from '../../core/lsn.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import { findBackup, readClusterManifest } from '../../repository/backups.ts';
import { type Reach, reachOf } from '../../repository/reach.ts';
import { openRepository } from '../../repository/repository.ts';
import { listWal, readHistories } from '../../repository/wal-archive.ts';
import type { Store } from '../../storage/store.ts';
import { BROKEN } from '../report/report.ts';
import type { ScenarioEvent, ScenarioName } from '../scenario-result.ts';
import { probeWrite } from '../write-probe.ts';
import { copyStore } from './copy-store.ts';
import { MarkerWriter } from './marker.ts';
import { PrivateCluster, type Settings } from './private-cluster.ts';
import { newStore, type Template } from './template.ts';

/** How long a server may take to do what a scenario waits for: a failed archiver tries again after a minute. */
const PATIENCE_MS = 120_000;

/**
 * Where one scenario happens: a copy of the template with a store of its own, the writer, and what was seen. Everything
 * that is started here ends with it.
 */
export class Stage {
  readonly template: Template;
  readonly context: RunContext;
  readonly directory: string;
  readonly cluster: PrivateCluster;
  readonly store: Store;
  readonly writer: MarkerWriter;
  readonly events: ScenarioEvent[] = [];
  readonly phases: Record<string, number> = {};
  readonly said: string[] = [];
  /** Rows that were acknowledged before their WAL went into the store: none of them may be lost. */
  securedRows = 0;
  readonly #closing: (() => Promise<void>)[] = [];
  #brokenMs: number | undefined;

  private constructor(
    template: Template,
    directory: string,
    cluster: PrivateCluster,
    store: Store,
    context: RunContext,
  ) {
    this.template = template;
    this.directory = directory;
    this.cluster = cluster;
    this.store = store;
    this.context = context;
    this.writer = new MarkerWriter(context);
  }

  static async set<T>(
    template: Template,
    name: string,
    context: RunContext,
    work: (stage: Stage) => Promise<T>,
  ): Promise<T> {
    const directory = path.join(template.options.directory, name);
    await mkdir(directory, { mode: 0o711 });
    const cluster = await PrivateCluster.at(template.cluster.site, path.join(directory, 'primary'));
    const store = await newStore(template.options, name, cluster);
    const stage = new Stage(template, directory, cluster, store, context);
    stage.onClose(() => cluster.remove());
    try {
      await cluster.copyFrom(template.cluster);
      await copyStore(template.store, store);
      await cluster.archiveInto(store.settings!, template.systemIdentifier);
      return await work(stage);
    } finally {
      await stage.#close();
    }
  }

  /** What must end with the stage, last opened first closed. */
  onClose(close: () => Promise<void>): void {
    this.#closing.push(close);
  }

  /** Starts the cluster and the writing. */
  async begin(settings: Settings = {}): Promise<void> {
    await this.cluster.start(settings, this.context);
    await this.writer.follow(this.cluster.connection);
    this.event('load');
  }

  event(name: string): void {
    this.events.push({ at: this.context.clock.now().toISOString(), name });
  }

  /** The instant of the disaster: nobody is told any more that something is committed, and the RTO begins. */
  async breaks(damage: () => Promise<void>): Promise<void> {
    await damage();
    await this.writer.abandon();
    this.event(BROKEN);
    this.#brokenMs = this.context.clock.monotonicMs();
  }

  async phase<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { clock } = this.context;
    const began = clock.monotonicMs();
    try {
      return await work();
    } finally {
      this.phases[name] = (this.phases[name] ?? 0) + Math.round(clock.monotonicMs() - began);
    }
  }

  /** The first accepted write ends the recovery. Returns the whole span; what no phase has of it is `other`. */
  async firstWrite(connection: ConnectionSettings): Promise<number> {
    await this.phase('first write', () => probeWrite(connection, this.context));
    const measuredMs = Math.round(this.context.clock.monotonicMs() - this.#brokenMs!);
    this.event('recovered');
    const other = measuredMs - Object.values(this.phases).reduce((sum, ms) => sum + ms, 0);
    if (other > 0) this.phases.other = other;
    return measuredMs;
  }

  /**
   * Closes the current segment, as archive_timeout does, and waits until the archiver has nothing left to do. The rows
   * that are acknowledged by then must survive whatever comes.
   */
  async secure(connection = this.cluster.connection): Promise<void> {
    const rows = this.writer.acknowledged.length;
    await this.query(connection, 'select pg_switch_wal()');
    await this.until('the archiver is done', async () => {
      const [found] = await this.query<{ waiting: number }>(
        connection,
        `select count(*)::int as waiting from pg_ls_archive_statusdir() where name like '%.ready'`,
      );
      return found!.waiting === 0;
    });
    this.securedRows = rows;
    this.event('archived');
  }

  async query<Row>(connection: ConnectionSettings, statement: string): Promise<Row[]> {
    return withClient(connection, profiles.drill, this.context, async (client) => {
      const { rows } = await client.query(statement);
      return rows as Row[];
    });
  }

  /** Waits for a condition, not for a time. @throws CHECK_FAILED after two minutes, with the end of the log */
  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const { clock } = this.context;
    const deadline = clock.monotonicMs() + PATIENCE_MS;
    while (!(await condition())) {
      stopIfInterrupted(this.context);
      if (clock.monotonicMs() > deadline) {
        throw new StructdbError('CHECK_FAILED', `The private server took too long: waited until ${what}.`, {
          details: await this.cluster.lastWords(),
        });
      }
      await wait(20);
    }
  }

  /** Nobody reaches the store any more, until the function that it returns is called. */
  async takeStoreAway(): Promise<() => Promise<void>> {
    const { settings } = this.store;
    if (settings?.type === 'directory') {
      const away = `${settings.path}.away`;
      await rename(settings.path, away);
      // Where the directory was is something else: nobody can make a new one there.
      await writeFile(settings.path, '');
      return async () => {
        await rm(settings.path);
        await rename(away, settings.path);
      };
    }
    // The same for a server elsewhere: nobody answers at its address.
    const { systemIdentifier } = this.template;
    await this.cluster.archiveInto({ ...settings!, endpoint: 'http://127.0.0.1:1' } as StoreConfig, systemIdentifier);
    return async () => {
      await this.cluster.archiveInto(settings!, systemIdentifier);
    };
  }

  /** How far replay gets with what is in the store now, from the newest backup on. */
  async reach(): Promise<Reach> {
    const repository = openRepository(this.store, this.template.systemIdentifier);
    const listing = await listWal(repository);
    const histories = await readHistories(repository, listing);
    const manifest = await readClusterManifest(await findBackup(this.store, this.template.backups[1]));
    const { label, timeline, walSegmentBytes } = manifest;
    const lsn = (text: string): Lsn => parseLsn(text) ?? 0n;
    const base = { label, timeline, startLsn: lsn(manifest.startLsn), stopLsn: lsn(manifest.stopLsn) };
    return reachOf(base, listing, histories, walSegmentBytes);
  }

  async #close(): Promise<void> {
    await this.writer.abandon().catch(() => {});
    for (const close of this.#closing.reverse()) await close().catch(() => {});
  }
}

/** A scenario that cannot be played on this machine: neither good nor bad. */
export class NotHere extends Error {}

/** What a scenario comes back with. */
export interface Recovered {
  readonly connection: ConnectionSettings;
  /** The end of the WAL that was durable in the store at the disaster; undefined where the store played no part. */
  readonly archivedEnd: Lsn | undefined;
  /** Deviations that only this scenario knows. */
  readonly deviations?: readonly string[];
  /** Why acknowledged rows may be lost; because their segment was still open, unless it is said otherwise. */
  readonly lostBecause?: string;
}

/** One way to break a cluster and to recover it. */
export interface Scenario {
  readonly name: ScenarioName;
  /** What breaks. */
  readonly title: string;
  /** What keeps the rows; the control does without. */
  readonly protection: string;
  /** The loss that it may cost; the RPO objective by default. */
  readonly limitMs?: number;
  run(stage: Stage, options: { readonly unprotected: boolean }): Promise<Recovered>;
}
