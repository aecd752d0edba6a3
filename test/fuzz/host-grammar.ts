/**
 * A second implementation of the grammar of login servers, written from its description and without the patterns of the
 * program: it takes a text apart piece by piece.
 */

const SUFFIXES = [
  ...['azurecr.io', 'azurecr.us', 'azurecr.cn', 'azurecr.de'],
  ...['azurecr.sovcloud-azure.fr', 'azurecr.sovcloud-azure.de', 'azurecr.eaglex.ic.gov', 'azurecr.microsoft.scloud'],
];
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';

/** A login server, as the grammar reads it. */
export interface LoginServer {
  readonly host: string;
  readonly service: string;
  readonly suffix: string;
}

/** Reads a server URL: an optional scheme, the host with an optional dot, an optional port 443, an optional path. */
export function readLoginServer(serverUrl: string): LoginServer | undefined {
  const host = readHost(serverUrl);
  const suffix = SUFFIXES.find((one) => host?.endsWith(`.${one}`));
  if (host === undefined || suffix === undefined) return undefined;
  const labels = host.split('.').slice(0, -suffix.split('.').length);
  const [name = '', region, geo, ...others] = labels;
  if (others.length > 0 || !isName(name)) return undefined;
  const isRegional = region !== undefined;
  if (isRegional && (geo !== 'geo' || !isAlphanumeric(region, 2, 63))) return undefined;
  return { host, service: `${name}.${suffix}`, suffix };
}

function readHost(serverUrl: string): string | undefined {
  let rest = serverUrl;
  for (const scheme of ['http://', 'https://']) {
    if (toLower(serverUrl.slice(0, scheme.length)) === scheme) rest = serverUrl.slice(scheme.length);
  }
  const slash = rest.indexOf('/');
  const path = slash < 0 ? '' : rest.slice(slash);
  if (![...path].every((one) => `${LOWER}${DIGITS}._-/`.includes(toLower(one)))) return undefined;
  let host = slash < 0 ? rest : rest.slice(0, slash);
  if (host.endsWith(':443')) host = host.slice(0, -4);
  if (host.endsWith('.')) host = host.slice(0, -1);
  host = toLower(host);
  return host !== '' && [...host].every((one) => `${LOWER}${DIGITS}.-`.includes(one)) ? host : undefined;
}

function isName(label: string): boolean {
  const [name = '', hash, ...others] = label.split('-');
  if (others.length > 0 || label.length > 63 || !isAlphanumeric(name, 5, 50)) return false;
  return hash === undefined || isAlphanumeric(hash, 1, 57);
}

function isAlphanumeric(text: string, least: number, most: number): boolean {
  return text.length >= least && text.length <= most && [...text].every((one) => (LOWER + DIGITS).includes(one));
}

/** ASCII only: `toLowerCase` turns the Kelvin sign into a letter. */
function toLower(text: string): string {
  return [...text].map((one) => (one >= 'A' && one <= 'Z' ? one.toLowerCase() : one)).join('');
}
