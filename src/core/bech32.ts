const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/**
 * Whether a lower-case Bech32 text (an age public key) is as it was written: any typing error of up to four characters
 * breaks its checksum (BIP 173).
 */
export function hasBech32Checksum(text: string): boolean {
  const separator = text.lastIndexOf('1');
  const prefix = text.slice(0, separator);
  const data = [...text.slice(separator + 1)].map((character) => ALPHABET.indexOf(character));
  if (separator < 1 || data.length < 6 || data.includes(-1)) return false;
  const codes = [...prefix].map((character) => character.charCodeAt(0));
  return polymod([...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...data]) === 1;
}

function polymod(values: readonly number[]): number {
  let checksum = 1;
  for (const value of values) {
    const top = checksum >> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of GENERATORS.entries()) if ((top >> bit) & 1) checksum ^= generator;
  }
  return checksum;
}
