/**
 * Keeps secrets out of everything that is printed or kept. URLs lose their password, `password=…` pairs and `PASSWORD '…'`
 * of SQL their value,
 * and the passwords that structdb itself resolved in this run (`remember`) are masked wherever they appear.
 */
const MASK = '***';
const known = new Set<string>();

/** Registers a secret of this run. Very short ones are left out: masking every "a" would hide the message. */
export function rememberSecret(secret: string | undefined): void {
  if (secret && secret.length >= 4) known.add(secret);
}

/** The text with every secret masked. */
export function redact(text: string): string {
  let result = text
    // also with a slash, ? or # that should have been percent-encoded: such a URL is shown in the message that refuses it
    .replace(/\b(postgres(?:ql)?:\/\/[^\s:/@]*):\S*@/gi, `$1:${MASK}@`)
    // scheme://user:password@host — the password may hold any character but white space and the last @ ends it
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/]*@/gi, `$1:${MASK}@`)
    .replace(/([?&\s](?:ssl)?password=)[^&\s]+/gi, `$1${MASK}`)
    // PASSWORD '…' of SQL: ALTER ROLE, CREATE USER MAPPING
    .replace(/\b(password\s*(?::?=\s*)?)(?:E|U&)?'(?:[^'\\]|''|\\.)*'?/gi, `$1'${MASK}'`)
    .replace(/\b(PGPASSWORD=)\S+/g, `$1${MASK}`);
  for (const secret of known) {
    result = result.replaceAll(secret, MASK);
    const encoded = encodeURIComponent(secret);
    if (encoded !== secret) result = result.replaceAll(encoded, MASK);
  }
  return result;
}
