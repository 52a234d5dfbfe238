import { type TierRule, tierRules } from '../../backup/index.ts';
import type { ConnectionSettings } from '../../config/connection.ts';
import type { Config } from '../../config/schema.ts';
import { usedStores } from '../../config/store-names.ts';
import type { RunContext } from '../../core/context.ts';
import { readAuditTriggers } from '../../database/audit-triggers.ts';
import type { PastDrill } from '../../drill/history/index.ts';
import type { Registry, StatusResult } from '../../migrate/index.ts';
import { withClient } from '../../postgres/connect.ts';
import { profiles } from '../../postgres/profiles.ts';
import type { SearchPlaces } from '../../programs/find.ts';
import { WalEndMemory } from '../../repository/wal-end-memory.ts';
import type { Store } from '../../storage/store.ts';
import type { WalStatusResult } from '../../wal/index.ts';
import { readArchive, windowOf } from './archive.ts';
import { type BackupCounts, countBackups, readTier, storeOfPart, tierOfPart } from './backups.ts';
import { BenchReader } from './bench.ts';
import { readCluster } from './cluster.ts';
import { readDisks } from './disks.ts';
import { readDrills } from './drills.ts';
import type { Fact } from './fact.ts';
import type { AuditTrigger, BenchFacts, DiskFacts, Facts, StoreFacts, TierFacts, WindowFacts } from './facts.ts';
import { readMigrations } from './migrations.ts';
import { NOT_YET, Part } from './part.ts';

export interface FactSources {
  /** The configured database, whose backups, archive and migrations are looked at. */
  readonly connection: ConnectionSettings;
  readonly config: Pick<Config, 'backup'>;
  readonly places: SearchPlaces;
  /** The migrations that the database should have; asked for at each look, because files change. */
  readonly migrations: () => Promise<Registry>;
  /** Opens a store of the configuration by its name. */
  readonly openStore: (name: string) => Promise<Store>;
  /** The project's folder, whose benchmarks are looked at. */
  readonly root: string;
}

/** How long one part may take, in milliseconds. */
const PART_LIMIT_MS = 30_000;

/** Gathers what structdb knows beyond the server's statistics, part by part: what one cannot read, the others still tell. */
export class FactGatherer {
  readonly #context: RunContext;
  readonly #server: readonly Part<unknown>[];
  readonly #kept: readonly Part<unknown>[];
  readonly #migrations: Part<StatusResult>;
  readonly #auditTriggers: Part<readonly AuditTrigger[]>;
  /** A store that does not answer keeps the tiers of another one from nobody. */
  readonly #tiers: readonly { readonly rule: TierRule; readonly part: Part<TierFacts> }[];
  readonly #stores: readonly { readonly name: string; readonly part: Part<BackupCounts> }[];
  readonly #wal: Part<WalStatusResult | null>;
  readonly #drills: Part<readonly { readonly last: PastDrill; readonly lastGood: PastDrill | null }[]>;
  readonly #bench: Part<BenchFacts | null>;
  readonly #disks: Part<readonly DiskFacts[]>;
  readonly #cluster: Part<Awaited<ReturnType<typeof readCluster>>>;
  readonly #policy: Config['backup'];
  readonly #made: Date;
  #lookedAt: Date | undefined;
  #window: Fact<WindowFacts | null>;
  #running: Promise<Facts> | undefined;

  constructor(sources: FactSources, context: RunContext, limitMs: number = PART_LIMIT_MS) {
    const { connection, places, root, migrations } = sources;
    const { backup: policy } = sources.config;
    const now = context.clock.now();
    const part = <T>(read: (context: RunContext) => Promise<T>) => new Part(read, limitMs, now);
    const openStore = remembering(sources.openStore);
    this.#context = { ...context, report: () => {} };
    this.#policy = policy;
    this.#cluster = part((own) => readCluster(connection, own));
    const ours = () => this.#systemIdentifier;
    const backups = () => ({ policy, openStore, systemIdentifier: ours(), database: connection.database });
    this.#migrations = part((own) => readMigrations(connection, migrations, own));
    this.#auditTriggers = part((own) => withClient(connection, profiles.probe, own, readAuditTriggers));
    const archive = { connection, places, policy, openStore, memory: new WalEndMemory() };
    this.#wal = part((own) => readArchive({ ...archive, systemIdentifier: ours() }, own));
    this.#tiers = tierRules(policy).map((rule) => ({ rule, part: part((own) => readTier(rule, backups(), own)) }));
    this.#stores = usedStores(policy).map(({ name }) => ({ name, part: part(() => countBackups(name, backups())) }));
    this.#drills = part(() => readDrills(policy, openStore, ours()));
    const bench = new BenchReader({ root });
    this.#bench = part(() => bench.read());
    this.#disks = part(() => readDisks(connection, policy, openStore, this.#dataDirectory));
    this.#server = [this.#migrations, this.#auditTriggers, this.#wal];
    const ofStores = [...this.#tiers, ...this.#stores].map((each) => each.part);
    this.#kept = [...ofStores, this.#drills, this.#bench, this.#disks];
    this.#made = now;
    this.#window = { ok: false, at: now, error: NOT_YET, hint: null };
  }

  /** What is known, as it was read last. */
  get facts(): Facts {
    return Object.freeze({
      migrations: this.#migrations.fact,
      auditTriggers: this.#auditTriggers.fact,
      tiers: this.#tierFacts(),
      stores: this.#storeFacts(),
      wal: this.#wal.fact,
      window: this.#window,
      drills: this.#drills.fact,
      bench: this.#bench.fact,
      disks: this.#disks.fact,
    });
  }

  /**
   * Reads every part anew, one look at a time. Never throws: what cannot be read is told in its place. The server is asked
   * one thing after another, so that it has at most one more connection.
   */
  gather(): Promise<Facts> {
    this.#running ??= this.#gather().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #gather(): Promise<Facts> {
    await this.#cluster.refresh(this.#context);
    const asked = async () => {
      for (const part of this.#server) await part.refresh(this.#context);
    };
    await Promise.all([asked(), ...this.#kept.map((part) => part.refresh(this.#context))]);
    this.#window = this.#windowFact();
    this.#lookedAt = this.#context.clock.now();
    return this.facts;
  }

  #tierFacts(): Fact<readonly TierFacts[]> {
    const now = this.#context.clock.now();
    return this.#looked(() => this.#tiers.map(({ rule, part }) => tierOfPart(rule, part.fact, this.#policy, now)));
  }

  #storeFacts(): Fact<readonly StoreFacts[]> {
    return this.#looked(() => this.#stores.map(({ name, part }) => storeOfPart(name, part.fact)));
  }

  /** A list of which each tells by itself what could not be read. */
  #looked<T>(list: () => T): Fact<T> {
    const at = this.#lookedAt;
    return at === undefined
      ? { ok: false, at: this.#made, error: NOT_YET, hint: null }
      : { ok: true, at, value: list(), stale: null };
  }

  #windowFact(): Fact<WindowFacts | null> {
    const wal = this.#wal.fact;
    if (!wal.ok) return wal;
    const before = this.#window.ok ? this.#window.value : null;
    return { ...wal, value: windowOf(wal.value, this.#policy.wal.recoveryWindow, before, wal.at) };
  }

  /** Known once the server has answered, and remembered while it is down; undefined before, and where the role may not ask. */
  get #systemIdentifier(): string | undefined {
    const { fact } = this.#cluster;
    return (fact.ok && fact.value.systemIdentifier) || undefined;
  }

  get #dataDirectory(): string | null {
    const { fact } = this.#cluster;
    return fact.ok ? fact.value.dataDirectory : null;
  }
}

/** A store is opened once; one that cannot be opened is tried again. */
function remembering(open: (name: string) => Promise<Store>): (name: string) => Promise<Store> {
  const opened = new Map<string, Promise<Store>>();
  return (name) => {
    const known = opened.get(name);
    if (known) return known;
    const store = open(name);
    opened.set(name, store);
    store.catch(() => opened.delete(name));
    return store;
  };
}
