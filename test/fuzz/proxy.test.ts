/** Which proxy a request takes: the variables, and the exceptions in NO_PROXY against a second implementation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CredentialError } from '../../src/errors.ts';
import { findProxy, isBypassed } from '../../src/network/proxy.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { mutated } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const HOST = 'myregistry.azurecr.io';
const HOSTS = fc.constantFrom(HOST, 'azurecr.io', 'login.microsoftonline.com', 'notazurecr.io', 'io', '127.0.0.1');
const ENTRIES = mutated(
  fc
    .tuple(
      fc.constantFrom('', '', '.', '*.', '*', '..'),
      fc.constantFrom(
        HOST,
        'azurecr.io',
        'AzureCR.io',
        'io',
        'login.microsoftonline.com',
        '127.0.0.1',
        '10.0.0.0/8',
        '::1',
        '',
      ),
      fc.constantFrom('', '', ':443', ':80', ':', ':x', '.', '/'),
    )
    .map((parts) => parts.join('')),
  ['.', '*', ':', '443', 'x', '[', ']', '\\', '(', '|'],
  1,
);
const LISTS = fc.tuple(fc.array(ENTRIES, { maxLength: 5 }), fc.constantFrom(',', ' ', ', ', '\t', ',,'));

/**
 * As curl does: labels from the right, a leading dot means nothing. Beyond curl, an entry may have a port, and `*.`
 * stands for the hosts below a domain only.
 */
function covers(entry: string, host: string, port: number): boolean {
  const colon = entry.lastIndexOf(':');
  const hasPort =
    colon > 0 && colon < entry.length - 1 && [...entry.slice(colon + 1)].every((one) => '0123456789'.includes(one));
  if (hasPort && Number(entry.slice(colon + 1)) !== port) return false;
  const name = (hasPort ? entry.slice(0, colon) : entry).toLowerCase();
  if (name === '' || name === '*') return name === '*';
  const isBelow = name.startsWith('*.');
  const domain = (isBelow ? name.slice(2) : name.startsWith('.') ? name.slice(1) : name).split('.');
  const labels = host.split('.');
  if (domain.length > labels.length || (isBelow && domain.length === labels.length)) return false;
  return domain.every((label, index) => label === labels[labels.length - domain.length + index]);
}

describe('NO_PROXY', () => {
  it('covers a host exactly when an entry does, by the second implementation', () => {
    fc.assert(
      fc.property(LISTS, HOSTS, fc.constantFrom(443, 80), ([entries, separator], host, port) => {
        const wanted = entries.flatMap((entry) => entry.split(/[\s,]+/)).some((entry) => covers(entry, host, port));
        expect(isBypassed(entries.join(separator), host, port)).toBe(wanted);
      }),
      RUN_OPTIONS,
    );
  });

  it('covers no less when an entry is added, and the order does not matter', () => {
    fc.assert(
      fc.property(LISTS, ENTRIES, HOSTS, ([entries, separator], added, host) => {
        const isCovered = isBypassed(entries.join(separator), host, 443);
        expect(isBypassed(entries.toReversed().join(separator), host, 443)).toBe(isCovered);
        if (isCovered) expect(isBypassed([added, ...entries].join(separator), host, 443)).toBe(true);
      }),
      RUN_OPTIONS,
    );
  });
});

describe('the proxy', () => {
  const VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
  const urls = mutated(
    fc.constantFrom(
      'http://proxy.example.com:3128',
      'https://ada:hidden-secret@proxy',
      'proxy:8080',
      'http://[::1]:1',
      '127.0.0.1',
    ),
    [
      '://',
      'socks5://',
      'file:///',
      'javascript:',
      '@',
      ':',
      '/',
      '\\',
      '?',
      '#',
      ' ',
      '%',
      '%zz',
      '\0',
      '\n',
      '[',
      'ａ',
      '99999',
    ],
  );

  it('is that of the first variable that is set, or none, or a mistake that names the variable and not its value', () => {
    const env = fc.record(
      Object.fromEntries([...VARIABLES, 'no_proxy', 'NO_PROXY'].map((name) => [name, fc.oneof(urls, fc.constant(''))])),
      {
        requiredKeys: [],
      },
    );
    fc.assert(
      fc.property(env, (variables) => {
        const runtime = makeRuntime(variables);
        const name = VARIABLES.find((one) => (variables[one] ?? '') !== '');
        const bypass = variables['no_proxy'] || variables['NO_PROXY'] || '';
        try {
          const proxy = findProxy(runtime, HOST, 443);
          const isDirect = name === undefined || isBypassed(bypass, HOST, 443);
          expect(proxy === undefined).toBe(isDirect);
          if (proxy === undefined) return;
          expect(['http:', 'https:']).toContain(proxy.protocol);
          expect(proxy.hostname).not.toBe('');
          if (proxy.password.startsWith('hidden')) expect([...runtime.secrets].join()).toContain('hidden');
        } catch (cause) {
          if (!(cause instanceof CredentialError)) throw cause;
          expect([cause.code, cause.message]).toEqual([
            'CONFIG_INVALID',
            expect.stringContaining(name ?? 'a variable'),
          ]);
          expect(`${cause.message}${cause.hint}`).not.toContain('hidden');
        }
      }),
      RUN_OPTIONS,
    );
  });
});
