/** Reads when a managed identity's token expires; every service uses another format. */

import type { JsonObject } from '../../json.ts';

const NUMBER = /^\d+(\.\d+)?$/;
/** `09/19/2037 21:45:21`, `9/19/2037 9:45:21 PM +00:00` */
const AMERICAN = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(?: ?([AP]M))?(?: ?(Z|[+-]\d{2}:\d{2}))?$/i;
/** RFC 3339, and `2037-09-19 21:45:21`. */
const SORTABLE = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)? ?(Z|[+-]\d{2}:\d{2})?$/i;

/**
 * Reads the expiry from `expires_on`, else from `expires_in`.
 * @param body the JSON body of a token response.
 * @returns seconds since the epoch, or `undefined` when neither can be read.
 */
export function parseExpiry(body: JsonObject, nowSeconds: number): number | undefined {
  const expiresAtSeconds = parseTime(body['expires_on']);
  if (expiresAtSeconds !== undefined) return expiresAtSeconds;
  const lifeSeconds = parseNumber(body['expires_in']);
  return lifeSeconds === undefined ? undefined : nowSeconds + lifeSeconds;
}

function parseTime(value: unknown): number | undefined {
  const number = parseNumber(value);
  if (number !== undefined || typeof value !== 'string') return number;
  const text = value.trim();
  const [, date, time, zone = 'Z'] = SORTABLE.exec(text) ?? [];
  if (date !== undefined) return toSeconds(`${date}T${time}${zone.toUpperCase()}`);
  return parseAmerican(text);
}

/** Without a zone, the time is UTC: the App Service API of 2017 uses this format. */
function parseAmerican(text: string): number | undefined {
  const [, month, day, year, hour, minute, second, half, zone = 'Z'] = AMERICAN.exec(text) ?? [];
  if (month === undefined || day === undefined || hour === undefined) return undefined;
  const isAfternoon = half?.toUpperCase() === 'PM';
  const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (isAfternoon ? 12 : 0);
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return toSeconds(`${date}T${String(hours).padStart(2, '0')}:${minute}:${second}${zone.toUpperCase()}`);
}

function parseNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value) : value;
  // A text of 400 digits is infinity.
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function toSeconds(iso: string): number | undefined {
  const milliseconds = Date.parse(iso);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}
