/** A monotonic clock. */

/**
 * Reads a clock that no change of the system time affects.
 * @returns milliseconds since an arbitrary moment. (`performance.now()` would do, but takes a millisecond to load.)
 */
export function readClockMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
