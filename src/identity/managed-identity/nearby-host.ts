/** Tells how far plain http to a host may travel. The host is that of a parsed URL, which has one form of an address. */

import { isIPv4 } from 'node:net';

/** An IPv4 address within IPv6, as URLs write it: the last two groups are its four bytes. */
const MAPPED = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/;
/** Loopback, and the link to the next machine. */
const NEARBY_V4 = /^(?:127|169\.254)\./;
const NEARBY_V6 = /^\[(?:::1\]$|fe[89ab][0-9a-f]:)/;
/** Addresses that no router of the Internet forwards (RFC 1918, RFC 6598, RFC 4193). */
const PRIVATE_V4 = /^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
const PRIVATE_V6 = /^\[f[cd][0-9a-f]{2}:/;
/** The endings of names that have no meaning on the Internet: those of a machine, a cluster or a private network. */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|svc|lan|home\.arpa)$/;

/** Whether traffic to the host stays on this machine or its link. */
export function isNearby(hostname: string): boolean {
  const address = findAddress(hostname);
  return address === undefined ? hostname === 'localhost' || NEARBY_V6.test(hostname) : NEARBY_V4.test(address);
}

/** Whether traffic to the host stays within a private network or a cluster. */
export function isPrivate(hostname: string): boolean {
  if (isNearby(hostname)) return true;
  const address = findAddress(hostname);
  if (address !== undefined) return PRIVATE_V4.test(address);
  if (hostname.startsWith('[')) return PRIVATE_V6.test(hostname);
  const name = hostname.replace(/\.$/, '');
  return (name !== '' && !name.includes('.')) || PRIVATE_NAME.test(name);
}

/** @returns the IPv4 address, on its own or within IPv6; `undefined` for anything else. */
function findAddress(hostname: string): string | undefined {
  if (isIPv4(hostname)) return hostname;
  const [, high, low] = MAPPED.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const groups = [high, low].map((group) => Number.parseInt(group, 16));
  return groups.flatMap((group) => [group >> 8, group & 0xff]).join('.');
}
