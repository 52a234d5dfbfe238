/**
 * A form that is the same for every way to write the name of a shape: `w 14 x 90` and `W14X90`; `HSS 8 × 8 × .5`,
 * `HSS8X8X1/2` and `HSS8X8X.500`; `pipe 4 std`. Numbers become thousandths, rounded half upward as AISC rounds the walls of
 * its EDI names (5/16 is .313). No two shapes of AISC v16.0 have the same (a test compares all).
 */
export function looseName(name: string): string {
  return name
    .toUpperCase()
    .replaceAll(/[×✕*]/g, 'X')
    .replaceAll('⁄', '/')
    .replaceAll(/["″”]/g, '')
    .replaceAll(/(\d)\s+(?=\d+\s*\/)/g, '$1-')
    .replaceAll(/\s+/g, '')
    .replaceAll(NUMBER, (text, whole, numerator, denominator) => {
      const value =
        denominator === undefined ? Number(text) : Number(whole ?? 0) + Number(numerator) / Number(denominator);
      return `${Math.round(value * 1000)}m`;
    });
}

/** `1-5/8`, `7/8`, `.875`, `1.900`, `14`. */
const NUMBER = /(?:(\d+)-)?(\d+)\/(\d+)|\d+(?:\.\d+)?|\.\d+/g;
