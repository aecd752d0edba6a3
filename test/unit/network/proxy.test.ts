/** Which proxy the environment names for a host, and which hosts NO_PROXY exempts. */
import { describe, expect, test } from 'vitest';
import { decodeLogin, findProxy, isBypassed } from '../../../src/network/proxy.ts';
import { catchFailure } from '../failure.ts';
import { makeRuntime } from '../runtime.ts';

const HOST = 'login.microsoftonline.com';

describe('findProxy', () => {
  const rows: readonly (readonly [env: Readonly<Record<string, string>>, proxy: string | undefined])[] = [
    [{}, undefined],
    [{ HTTPS_PROXY: '' }, undefined],
    [{ HTTP_PROXY: 'http://proxy:3128', http_proxy: 'http://proxy:3128' }, undefined],
    [{ HTTPS_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
    [{ HTTPS_PROXY: 'http://other:1', https_proxy: 'http://proxy:3128' }, 'http://proxy:3128/'],
    [{ ALL_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
    [{ HTTPS_PROXY: 'http://proxy:3128', ALL_PROXY: 'http://other:1' }, 'http://proxy:3128/'],
    [{ HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128/'],
    [{ HTTPS_PROXY: '10.0.0.1:3128' }, 'http://10.0.0.1:3128/'],
    [{ HTTPS_PROXY: 'https://proxy' }, 'https://proxy/'],
    [{ HTTPS_PROXY: 'http://[::1]:3128' }, 'http://[::1]:3128/'],
    [{ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: HOST }, undefined],
    [{ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '*', no_proxy: 'other.example.com' }, 'http://proxy:3128/'],
  ];
  for (const [env, proxy] of rows) {
    test(`returns ${proxy ?? 'nothing'} for ${JSON.stringify(env)}`, () => {
      expect(findProxy(makeRuntime(env), HOST, 443)?.href).toBe(proxy);
    });
  }

  const invalid = ['ftp://proxy', 'socks5://proxy:1080', 'http://', 'http://a b', ':', 'ftp://user:hidden-word@proxy'];
  for (const value of invalid) {
    test(`rejects ${value}, and the error names the variable but not its value`, async () => {
      const failure = await catchFailure(() => findProxy(makeRuntime({ HTTPS_PROXY: value }), HOST, 443));
      expect(failure.code).toBe('CONFIG_INVALID');
      // The whole texts, so that no part of the value, which may hold a password, is in them.
      expect(failure.message).toBe('Cannot use HTTPS_PROXY: it is not the URL of an http or https proxy');
      expect(failure.hint).toBe('set HTTPS_PROXY=http://HOST:PORT, or unset it');
      expect(failure.causes).toEqual([]);
      expect(failure.cause).toBeUndefined();
    });
  }

  test('remembers the password of a URL as a secret', () => {
    const runtime = makeRuntime({ HTTPS_PROXY: 'http://user:p%40ss-word@proxy:3128' });
    findProxy(runtime, HOST, 443);
    expect([...runtime.secrets]).toContain('p@ss-word');
  });
});

describe('NO_PROXY', () => {
  const rows: readonly (readonly [bypass: string, host: string, port: number, isBypassed: boolean])[] = [
    ['', HOST, 443, false],
    [' , ', HOST, 443, false],
    ['*', HOST, 443, true],
    [HOST, HOST, 443, true],
    [HOST.toUpperCase(), HOST, 443, true],
    ['microsoftonline.com', HOST, 443, true],
    ['.microsoftonline.com', HOST, 443, true],
    ['*.microsoftonline.com', HOST, 443, true],
    ['*.login.microsoftonline.com', HOST, 443, false],
    ['softonline.com', HOST, 443, false],
    ['com', HOST, 443, true],
    [`${HOST}:443`, HOST, 443, true],
    [`${HOST}:8443`, HOST, 443, false],
    ['*:443', HOST, 443, true],
    ['*:80', HOST, 443, false],
    ['a.example.com,b.example.com login.microsoftonline.com', HOST, 443, true],
    ['.', HOST, 443, false],
    ['(a+)+$', `${'a'.repeat(50)}!`, 443, false],
  ];
  for (const [bypass, host, port, expected] of rows) {
    test(`of ${JSON.stringify(bypass)} ${expected ? 'exempts' : 'does not exempt'} ${host}:${port}`, () => {
      expect(isBypassed(bypass, host, port)).toBe(expected);
    });
  }
});

test.each([
  ['plain', 'plain'],
  ['p%40ss', 'p@ss'],
  ['100%', '100%'],
  ['%zz', '%zz'],
])('decodeLogin returns the text %j as %j', (text, decoded) => {
  expect(decodeLogin(text)).toBe(decoded);
});
