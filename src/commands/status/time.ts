/** Says when something happens, for people and for other programs. */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;
/** The last moment that a date can have, in seconds. */
const MAX_SECONDS = 8.64e12;

/** Formats a moment as seen from now, such as `in 2 h 5 min` or `3 min ago`. */
export function formatAge(seconds: number, nowSeconds: number): string {
  const distance = seconds - nowSeconds;
  const text = formatDuration(Math.abs(distance));
  return distance > 0 ? `in ${text}` : `${text} ago`;
}

/** Formats a duration with its two largest units; the last is rounded down. */
export function formatDuration(seconds: number): string {
  const units: readonly (readonly [seconds: number, name: string])[] = [
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [1, 's'],
  ];
  const index = units.findIndex(([size]) => seconds >= size);
  if (index < 0) return '0 s';
  const [[size, name] = [1, 's'], next] = units.slice(index);
  const count = Math.floor(seconds / size);
  const rest = next === undefined || name === 'min' ? 0 : Math.floor((seconds % size) / next[0]);
  return rest === 0 || next === undefined ? `${count} ${name}` : `${count} ${name} ${rest} ${next[1]}`;
}

/** Formats a moment as ISO 8601 in UTC. @returns `null` for one that no date can have. */
export function toIso(seconds: number): string | null {
  return Math.abs(seconds) <= MAX_SECONDS ? new Date(Math.floor(seconds) * 1000).toISOString() : null;
}
