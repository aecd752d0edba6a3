/** Server URLs: those of registries in every form, and those that only look like them. */
import fc, { type Arbitrary } from 'fast-check';
import { CLOUDS } from '../../src/clouds.ts';
import { mutated } from './mutate.ts';

const ALPHANUMERIC = fc.constantFrom(...'abcxyz019');
const run = (minLength: number, maxLength: number) => fc.string({ unit: ALPHANUMERIC, minLength, maxLength });

/** Parts that end or hide a host for one parser and not for another. */
const SNIPPETS = [
  ...[
    '.',
    '..',
    '-',
    '--',
    '@',
    '\\',
    '/',
    '//',
    '?',
    '#',
    ':',
    ';',
    '&',
    '%',
    '%2e',
    '%2E',
    '%40',
    '%2f',
    '%00',
    '%09',
  ],
  ...[
    ':443',
    ':80',
    ':0443',
    ':8443',
    ':443:443',
    '[',
    ']',
    '[::1]',
    'user@',
    'user:pass@',
    'http://',
    'https://',
    'ftp://',
  ],
  ...['\0', '\t', '\n', '\r', ' ', '\u00A0', '\u00AD', '\u200B', '\u2060', '\uFEFF', '\u202E', '\u0301'],
  // Dots, letters and digits that become ASCII only in some parsers.
  ...[
    '\u3002',
    '\uFF0E',
    '\uFF61',
    '\u2024',
    'ａ',
    'ı',
    'İ',
    'ſ',
    '\u212A',
    'ß',
    'é',
    'а',
    'ⅰ',
    '①',
    'xn--',
    'xn--80ak6aa92e',
  ],
  ...[
    'azurecr.io',
    '.azurecr.io',
    'azurecr',
    'io',
    'geo',
    '.geo',
    '.data',
    '.privatelink',
    'example.com',
    '.example.com',
    '127.0.0.1',
  ],
];

/** The names of login servers: global ones, with a domain name label, and regional ones. */
export const LOGIN_SERVERS: Arbitrary<string> = fc
  .tuple(
    run(5, 50),
    fc.option(run(1, 12)),
    fc.option(run(2, 12)),
    fc.constantFrom(...CLOUDS.map(({ registrySuffix }) => registrySuffix)),
  )
  .map(([name, label, region, suffix]) => {
    return `${name}${label === null ? '' : `-${label}`}${region === null ? '' : `.${region}.geo`}.${suffix}`;
  });

/** Hosts at the edges of the grammar: too short, too long, a label too many, or a label that means another service. */
const NEAR_HOSTS = fc
  .tuple(
    run(3, 52),
    fc.option(run(0, 62)),
    fc.constantFrom(
      '',
      '.geo',
      '.eastus.geo',
      '.e.geo',
      '.eastus.data',
      '.eastus.geo.data',
      '.privatelink',
      '.a.b.geo',
    ),
    fc.constantFrom(
      'azurecr.io',
      'azurecr.cn',
      'azurecr.com',
      'azurecr.io.example.com',
      'xazurecr.io',
      'azurecr-io',
      'azurecr',
    ),
  )
  .map(([name, label, middle, suffix]) => `${name}${label === null ? '' : `-${label}`}${middle}.${suffix}`);

const HOSTS = fc.oneof(LOGIN_SERVERS, NEAR_HOSTS);

/** The forms in which clients name a host, all of the same server over https. */
export const HTTPS_FORMS: readonly ((host: string) => string)[] = [
  (host) => host,
  (host) => `https://${host}`,
  (host) => `HTTPS://${host}`,
  (host) => `${host}:443`,
  (host) => `https://${host}:443`,
  (host) => `https://${host}/`,
  (host) => `${host}.`,
  (host) => `https://${host}.:443/`,
  (host) => host.toUpperCase(),
];

const OTHER_FORMS: readonly ((host: string) => string)[] = [
  (host) => `http://${host}`,
  (host) => `${host}:8443`,
  (host) => `https://${host}/v2/`,
  (host) => `https://user@${host}`,
  (host) => `https://example.com/${host}`,
  (host) => `https://example.com@${host}`,
  (host) => `https://${host}@example.com`,
  (host) => `https://${host}?a=b`,
  (host) => `https://example.com#${host}`,
  (host) => `https:\\\\${host}`,
  (host) => `${host}..`,
];

/** Server URLs of all kinds: valid, nearly valid, and some that are anything. */
export const SERVER_URLS: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: mutated(formed(HOSTS), SNIPPETS) },
  { weight: 1, arbitrary: mutated(fc.webUrl({ withQueryParameters: true, withFragments: true }), SNIPPETS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);

/** Hosts in every form. */
export function formed(hosts: Arbitrary<string>): Arbitrary<string> {
  return fc
    .tuple(hosts, fc.constantFrom(...HTTPS_FORMS, ...HTTPS_FORMS, ...OTHER_FORMS))
    .map(([host, form]) => form(host));
}
