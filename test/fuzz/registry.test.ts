/** Which server URLs name a registry, against the WHATWG parser and a second implementation of the grammar. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOUDS } from '../../src/clouds.ts';
import { parseHost, parseRegistry } from '../../src/registry.ts';
import { configOf } from '../unit/config/config-of.ts';
import { readLoginServer } from './host-grammar.ts';
import { mutated } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';
import { formed, HTTPS_FORMS, LOGIN_SERVERS, SERVER_URLS } from './server-urls.ts';

/** How every URL parser of a client reads the text; a client adds the scheme where there is none. */
function parseUrl(serverUrl: string): URL | null {
  return URL.parse(/^[a-z]+:\/\//i.test(serverUrl) ? serverUrl : `https://${serverUrl}`);
}

const DOMAINS = fc.constantFrom(
  'registry.example.com',
  'example.com',
  'acr.internal',
  'azurecr.io.example.com',
  'azurecr.io',
  'io',
);

describe('a server URL', () => {
  it('names a registry exactly when the second implementation of the grammar says so', () => {
    fc.assert(
      fc.property(SERVER_URLS, (serverUrl) => {
        const registry = parseRegistry(serverUrl);
        const found = registry && {
          host: registry.host,
          service: registry.service,
          suffix: registry.cloud.registrySuffix,
        };
        expect(found).toEqual(readLoginServer(serverUrl));
      }),
      RUN_OPTIONS,
    );
  });

  it('names a registry only on the host that the WHATWG parser finds, without user and on port 443', () => {
    fc.assert(
      fc.property(SERVER_URLS, (serverUrl) => {
        const registry = parseRegistry(serverUrl);
        if (registry === undefined) return;
        const url = parseUrl(serverUrl);
        expect(url?.hostname.replace(/\.$/, '')).toBe(registry.host);
        expect(['', '443']).toContain(url?.port);
        expect({ username: url?.username, password: url?.password, search: url?.search, hash: url?.hash }).toEqual({
          ...{ username: '', password: '', search: '', hash: '' },
        });
        const labels = registry.host.split('.');
        const suffix = registry.cloud.registrySuffix.split('.');
        expect(labels.slice(-suffix.length)).toEqual(suffix);
        expect(CLOUDS).toContain(registry.cloud);
      }),
      RUN_OPTIONS,
    );
  });

  it('of a login server names it in every form that clients send', () => {
    fc.assert(
      fc.property(LOGIN_SERVERS, fc.constantFrom(...HTTPS_FORMS), (host, form) => {
        expect(parseRegistry(form(host))?.host).toBe(host);
      }),
      RUN_OPTIONS,
    );
  });

  it('becomes requests to no other host than its own', () => {
    fc.assert(
      fc.property(SERVER_URLS, (serverUrl) => {
        const registry = parseRegistry(serverUrl);
        if (registry === undefined) return;
        for (const host of [registry.host, registry.service]) {
          const { host: requested, pathname } = new URL(`https://${host}/oauth2/exchange`);
          expect([requested, pathname]).toEqual([host, '/oauth2/exchange']);
        }
        expect(parseUrl(serverUrl)?.hostname.replace(/\.$/, '')).toBe(registry.host);
      }),
      RUN_OPTIONS,
    );
  });
});

describe('a host', () => {
  it('is the one of the WHATWG parser, unless that reads an IP address or rejects the name', () => {
    fc.assert(
      fc.property(SERVER_URLS, (serverUrl) => {
        const host = parseHost(serverUrl);
        const url = parseUrl(serverUrl);
        // `0x7f.1` is an address, and a label that begins with `xn--` has to be valid.
        if (host === undefined || url === null || /(^|\.)(\d+|0x[\da-f]*)$/.test(host)) return;
        expect(url.hostname.replace(/\.$/, '')).toBe(host);
      }),
      RUN_OPTIONS,
    );
  });
});

describe('a cloud of the configuration', () => {
  const keys = fc.oneof(
    DOMAINS,
    DOMAINS.map((domain) => `*.${domain}`),
  );
  const urls = mutated(
    formed(
      fc
        .tuple(fc.constantFrom('', 'a.', 'myregistry.', 'evil', 'a.myregistry.', 'myregistry.eastus.geo.'), DOMAINS)
        .map((two) => two.join('')),
    ),
    ['.', '@', '/', 'evil', '.evil', 'example', ':443'],
    1,
  );

  it('without a star takes exactly its own host, and with a star only login servers below it', () => {
    fc.assert(
      fc.property(keys, urls, (key, serverUrl) => {
        const registry = configOf({ clouds: { [key]: {} } }).findRegistry(serverUrl);
        if (registry === undefined || CLOUDS.includes(registry.cloud)) return;
        const hostname = parseUrl(serverUrl)?.hostname.replace(/\.$/, '') ?? '';
        expect(registry.host).toBe(hostname);
        if (key.startsWith('*.')) expect(hostname.endsWith(key.slice(1))).toBe(true);
        else expect(hostname).toBe(key);
      }),
      RUN_OPTIONS,
    );
  });

  it('never takes a host of Azure', () => {
    fc.assert(
      fc.property(LOGIN_SERVERS, DOMAINS, (host, domain) => {
        const config = configOf({ clouds: { [domain]: {}, [`*.${domain}`]: {} } });
        expect(CLOUDS).toContain(config.findRegistry(host)?.cloud);
      }),
      RUN_OPTIONS,
    );
  });
});
