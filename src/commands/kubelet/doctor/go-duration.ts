/** Reads durations as Go writes them, such as `1h30m`. */

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);
/** A number with its unit, and what follows. */
const PART = /^(?<number>\d{1,100}(?:\.\d{0,100})?|\.\d{1,100})(?<unit>[a-zµμ]{1,2})(?<end>(?:[\d.].{0,100})?)$/;
const MAX_LENGTH = 100;
/** The number of nanoseconds must fit into 63 bits. */
const MAX_MS = 9_223_372_036_854;

/**
 * Parses a duration.
 * @returns milliseconds; `undefined` when Go would not accept it.
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseGoDuration(text: string): number | undefined {
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned === '0') return 0;
  if (unsigned === '' || unsigned.length > MAX_LENGTH) return undefined;
  let milliseconds = 0;
  for (let rest = unsigned; rest !== ''; ) {
    const { number, unit = '', end } = PART.exec(rest)?.groups ?? {};
    const unitMs = UNIT_MS.get(unit);
    if (number === undefined || end === undefined || unitMs === undefined) return undefined;
    milliseconds += Number(number) * unitMs;
    rest = end;
  }
  if (milliseconds > MAX_MS) return undefined;
  return text.startsWith('-') ? -milliseconds : milliseconds;
}
