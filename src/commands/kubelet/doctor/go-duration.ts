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
  let end = 0;
  for (const match of unsigned.matchAll(/(\d+(?:\.\d*)?|\.\d+)([a-zµμ]+)/g)) {
    const unit = UNIT_MS.get(match[2] ?? '');
    if (unit === undefined || match.index !== end) return undefined;
    milliseconds += Number(match[1]) * unit;
    end = match.index + match[0].length;
  }
  if (end !== unsigned.length || milliseconds > MAX_MS) return undefined;
  return text.startsWith('-') ? -milliseconds : milliseconds;
}
