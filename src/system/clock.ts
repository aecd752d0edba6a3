/** A clock that nobody sets. */

/** Milliseconds since some moment of the past. `performance.now()` tells as much, and takes a millisecond to load. */
export function readClockMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
