/** The name under which the credential of a server is stored. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRegistry } from '../../src/registry.ts';
import { parseServerName } from '../../src/server-name.ts';
import { RUN_OPTIONS } from './runs.ts';
import { formed, HTTPS_FORMS, LOGIN_SERVERS, SERVER_URLS } from './server-urls.ts';

const label = fc.string({ unit: fc.constantFrom(...'abz09-'), minLength: 1, maxLength: 6 });
const HOSTS = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.')),
  fc.constantFrom('localhost', '127.0.0.1', '[::1]', '[fe80::1]', 'registry.example.com'),
);
const PORTS = fc.option(fc.constantFrom(80, 5000, 8443, 65_535));

const KELVIN_SIGN = '\u212A';

/** The name as `get`, `store` and `erase` compute it. */
const nameOf = (serverUrl: string) => parseServerName(serverUrl, parseRegistry(serverUrl));

describe('a server name', () => {
  it('stays the same when it is read as a server URL again', () => {
    fc.assert(
      fc.property(fc.oneof(SERVER_URLS, formed(HOSTS)), (serverUrl) => {
        // For every parser of URLs this is a k.
        fc.pre(!serverUrl.includes(KELVIN_SIGN));
        // No registry of Azure listens on port 80, so a URL with it names none. Its server has a name all the same.
        fc.pre(!serverUrl.includes(':80') || parseRegistry(nameOf(serverUrl)) === undefined);
        expect(nameOf(nameOf(serverUrl))).toBe(nameOf(serverUrl));
      }),
      RUN_OPTIONS,
    );
  });

  it('is the same for all forms of a server', () => {
    const forms = fc.constantFrom(...HTTPS_FORMS);
    fc.assert(
      fc.property(fc.oneof(LOGIN_SERVERS, HOSTS), forms, forms, (host, one, other) => {
        // An address in brackets has no dot at its end.
        fc.pre(!host.startsWith('[') || ![one, other].some((form) => form('').includes('.')));
        expect(nameOf(one(host))).toBe(nameOf(other(host)));
      }),
      RUN_OPTIONS,
    );
  });

  it('differs for two servers', () => {
    const servers = fc.record({ scheme: fc.constantFrom('', 'https://'), host: HOSTS, port: PORTS });
    const format = ({ scheme, host, port }: { scheme: string; host: string; port: number | null }) =>
      `${scheme}${host}${port === null ? '' : `:${port}`}`;
    fc.assert(
      fc.property(servers, servers, (one, other) => {
        fc.pre(one.host !== other.host || one.port !== other.port);
        expect(nameOf(format(one))).not.toBe(nameOf(format(other)));
      }),
      RUN_OPTIONS,
    );
  });

  it('of a server over http is not that of the same host over https', () => {
    fc.assert(
      fc.property(HOSTS, PORTS, fc.constantFrom('', 'https://'), (host, port, scheme) => {
        const server = `${host}${port === null ? '' : `:${port}`}`;
        expect(nameOf(`http://${server}`)).not.toBe(nameOf(`${scheme}${server}`));
      }),
      RUN_OPTIONS,
    );
  });

  it('of a URL with a path, a user or a query is not that of its host', () => {
    const rests = fc.constantFrom('/v1/', '/v1/access-token', '?a=b', '#a', '/a', '//');
    fc.assert(
      fc.property(HOSTS, rests, (host, rest) => {
        expect(nameOf(`https://${host}${rest}`)).not.toBe(nameOf(`https://${host}`));
        expect(nameOf(`https://user@${host}`)).not.toBe(nameOf(`https://${host}`));
      }),
      RUN_OPTIONS,
    );
  });
});
