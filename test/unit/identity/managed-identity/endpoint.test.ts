/** Which endpoints of a token service may receive a request over plain http. */
import { describe, expect, test } from 'vitest';
import { CredentialError } from '../../../../src/errors.ts';
import { type EndpointRule, parseEndpoint } from '../../../../src/identity/managed-identity/endpoint.ts';

const SERVICE = { name: 'App Service', hint: '' };

/** The hosts of plain http URLs, by how far the traffic goes. */
const HOSTS: Readonly<Record<'nearby' | 'private' | 'public', readonly string[]>> = {
  nearby: [
    'localhost',
    'LOCALHOST:8081',
    '127.0.0.1',
    '127.0.0.1:41056',
    '127.8.9.10',
    '169.254.169.254',
    '169.254.131.2:8081',
    '[::1]',
    '[0:0:0:0:0:0:0:1]:42',
    '[fe80::1]',
    '[febf::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    // Other ways to write 127.0.0.1 and 169.254.169.254.
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '127.1',
    '2852039166',
    '0251.0376.0251.0376',
    '127.0.0.1.',
    '１２７.0.0.1',
  ],
  private: [
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '[fc00::1]',
    '[fd12:3456::1]',
    '[::ffff:10.0.0.1]',
    '[::ffff:192.168.1.1]',
    '0xa000001',
    '012.0.0.1',
    '3232235521',
    'token-service',
    'token_service:8081',
    'tokens.default.svc',
    'tokens.default.svc.cluster.local',
    'tokens.default.svc.cluster.local.',
    'metadata.google.internal',
    'printer.LOCAL',
    'a.localhost',
  ],
  public: [
    'example.com',
    'evil.example',
    '127.0.0.1.example.com',
    'localhost.example.com',
    'localhost.evil.com',
    'local.evil.com',
    'svc.evil.com',
    'notlocal.com',
    'evil-local.com',
    'evillocalhost.com',
    'evil.svc.com',
    'evil.com.',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.1',
    '126.0.0.1',
    '128.0.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.0.1',
    '192.169.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '169.253.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '134744072', // 8.8.8.8
    '0x08080808',
    '010.010.010.010',
    '[2001:db8::1]',
    '[::]',
    '[fbff::1]',
    '[fe00::1]',
    '[fec0::1]',
    '[::ffff:8.8.8.8]',
    '[::ffff:0808:0808]',
    '[64:ff9b::7f00:1]',
    '[::127.0.0.1]',
    '[1::ffff:127.0.0.1]',
  ],
};

const ACCEPTED: readonly (readonly [rule: EndpointRule, kinds: readonly (keyof typeof HOSTS)[]])[] = [
  ['https', []],
  ['nearby', ['nearby']],
  ['private', ['nearby', 'private']],
];

describe('parseEndpoint', () => {
  for (const [rule, kinds] of ACCEPTED) {
    for (const kind of ['nearby', 'private', 'public'] as const) {
      const isAccepted = kinds.includes(kind);
      test(`${isAccepted ? 'accepts' : 'rejects'} plain http to a ${kind} host under the rule "${rule}"`, () => {
        for (const host of HOSTS[kind]) {
          const parse = () =>
            parseEndpoint(SERVICE, { url: `http://${host}/token`, variable: 'IDENTITY_ENDPOINT' }, rule);
          if (isAccepted) expect(parse().pathname, host).toBe('/token');
          else expect(parse, host).toThrow(CredentialError);
        }
      });
    }

    test(`accepts https to every host under the rule "${rule}"`, () => {
      for (const host of Object.values(HOSTS).flat()) {
        expect(parseEndpoint(SERVICE, { url: `https://${host}/token`, variable: undefined }, rule).protocol).toBe(
          'https:',
        );
      }
    });
  }

  test('says what to do about plain http to a foreign host', () => {
    const parse = () =>
      parseEndpoint(SERVICE, { url: 'http://evil.example/x', variable: 'IDENTITY_ENDPOINT' }, 'private');
    expect(parse).toThrow(
      expect.objectContaining({
        code: 'IDENTITY_INVALID',
        message: 'IDENTITY_ENDPOINT is a plain http URL that leads out of the private network',
        hint: 'unset IDENTITY_ENDPOINT, or set it as App Service does',
      }),
    );
  });
});
