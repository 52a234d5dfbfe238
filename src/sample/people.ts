import { Random } from './random.ts';

/** Accounts, people and places of the sample: firms, each with its engineers. All names are invented. */

const GIVEN =
  'amara,anton,bea,carlos,chen,dana,elif,emil,farah,grace,hana,igor,ines,jonas,kofi,lena,luis,maya,nils,olga,pavel,priya,rosa,sam,tara,uma,viktor,wen,yara,zoe'.split(
    ',',
  );
const FAMILY =
  'abara,beck,castro,dietz,egan,farkas,goto,haas,iyer,jansen,kowal,lind,moreau,novak,okafor,petrov,quist,rahman,silva,tanaka,urban,varga,weber,xu,yilmaz,zeller'.split(
    ',',
  );
const FIRM =
  'Alder,Basalt,Canyon,Delta,Ember,Fjord,Granite,Harbor,Ironwood,Juniper,Keystone,Lakeside,Meridian,Northgate,Orchard,Pinnacle,Quarry,Redwood,Summit,Tidewater'.split(
    ',',
  );
const TRADE =
  'Builders,Construction,Contractors,Developments,Engineering,Estates,Fabrication,Holdings,Logistics,Properties,Steel,Works'.split(
    ',',
  );
const STREET =
  'Airport Rd,Bridge St,Canal St,Depot Ave,Elm St,Foundry Ln,Harbor Blvd,Industrial Pkwy,Market St,Mill Rd,Ridge Rd,Station Sq'.split(
    ',',
  );
const STRUCTURE =
  'Parking Structure,Warehouse,Office Tower,Pipe Rack,Pedestrian Bridge,School Addition,Hospital Wing,Mezzanine,Data Hall,Stadium Canopy,Transfer Girder,Equipment Platform'.split(
    ',',
  );

const ACCOUNT_STREAM = 1;
const ENGINEERS_PER_ACCOUNT = 5;
/**
 * The sample is made of markets of 10,000 projects, each with firms and customers of its own. A larger scale adds markets:
 * rows that are there stay as they are, and nobody's list of projects grows with the scale.
 */
const MARKET = 10_000;
/** Of a market: an account for about 25 projects. */
const ACCOUNTS = 400;
/** Of a market, for each firm and trade. */
const CUSTOMERS = 10;

export function marketOf(projectIndex: number): number {
  return Math.floor(projectIndex / MARKET);
}

export interface Account {
  readonly id: string;
  readonly engineers: readonly string[];
}

let latest: { readonly seed: number; readonly market: number; readonly accounts: readonly Account[] } | undefined;

/** The accounts of a market; those asked for last are kept, since projects are made in order. */
export function accountsOf(seed: number, market: number): readonly Account[] {
  if (latest?.seed !== seed || latest.market !== market) {
    const accounts = Array.from({ length: ACCOUNTS }, (_, index) => makeAccount(seed, market * ACCOUNTS + index));
    latest = { seed, market, accounts };
  }
  return latest.accounts;
}

/** `Granite Steel 7`: 2,400 customers of a market, some with many projects. */
export function customerName(random: Random, market: number): string {
  const number = random.skewed(FIRM.length * TRADE.length * CUSTOMERS);
  const firm = FIRM[number % FIRM.length]!;
  const trade = TRADE[Math.floor(number / FIRM.length) % TRADE.length]!;
  return `${firm} ${trade} ${1 + market * CUSTOMERS + Math.floor(number / (FIRM.length * TRADE.length))}`;
}

export function siteName(random: Random): string {
  return `${random.between(1, 9800)} ${random.pick(STREET)}`;
}

export function structureName(random: Random): string {
  return random.pick(STRUCTURE);
}

function makeAccount(seed: number, index: number): Account {
  const random = new Random(seed, ACCOUNT_STREAM, index);
  const id = random.uuid();
  const domain = `${random.pick(FIRM).toLowerCase()}${index + 1}.example`;
  const engineers = Array.from(
    { length: ENGINEERS_PER_ACCOUNT },
    (_, place) => `${random.pick(GIVEN)}.${random.pick(FAMILY)}${place + 1}@${domain}`,
  );
  return Object.freeze({ id, engineers });
}
