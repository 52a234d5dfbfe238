import { createHash, timingSafeEqual } from 'node:crypto';
import bcrypt from 'bcryptjs';

/** So many checks of a password may wait; each keeps a processor busy for about a tenth of a second. */
const MOST_WAITING = 8;
/** Passwords that were right, for all users together. */
const MOST_REMEMBERED = 100;

export type Login = 'allowed' | 'refused' | 'busy';

/** Checks names and passwords against bcrypt hashes. Those that were right once are remembered, as a digest. */
export class BasicAuth {
  #remembered: Buffer[] = [];
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param header `Authorization` of a request */
  async check(users: Readonly<Record<string, string>>, header: string | undefined): Promise<Login> {
    const login = parseHeader(header);
    if (!login) return 'refused';
    const known = Object.hasOwn(users, login.name);
    // Somebody unknown takes as long as somebody whose password is wrong.
    const hash = known ? users[login.name]! : Object.values(users)[0]!;
    const digest = createHash('sha256').update(`${login.name}\0${hash}\0${login.password}`).digest();
    if (known && this.#remembered.some((each) => timingSafeEqual(each, digest))) return 'allowed';
    if (this.#waiting >= MOST_WAITING) return 'busy';
    const right = await this.#inTurn(() => bcrypt.compare(login.password, hash));
    if (!right || !known) return 'refused';
    this.#remembered = [digest, ...this.#remembered].slice(0, MOST_REMEMBERED);
    return 'allowed';
  }

  /** One after the other. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** RFC 7617; undefined for anything else. */
function parseHeader(header: string | undefined): { readonly name: string; readonly password: string } | undefined {
  const encoded = /^basic ([A-Za-z0-9+/=]+)\s*$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
