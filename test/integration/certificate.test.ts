/** `get` with a client certificate: the signed assertion, the refusals of Entra, and every unusable file. */

import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli.ts';
import type { Outcome } from '../../src/outcome.ts';
import { createClientCertificate, parseClientCertificate } from '../emulator/certificates.ts';
import { CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { makeStreams } from '../unit/streams.ts';
import { CLIENT_SECRET_VARIABLES, ENTRA, EXCHANGE, openWorld, REGISTRY, readClaims } from './world.ts';

const TOKEN_URL = `https://login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/token`;
const PASSWORD = 'correct horse "battery" ';

interface Pem {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const world = await openWorld();
const { application } = world;
const own = await createClientCertificate();
const stranger = await createClientCertificate('other');
// Neither the key nor its password may leak.
for (const { privateKeyPem } of [own, stranger]) {
  const lines = privateKeyPem.trim().split('\n');
  for (const secret of [privateKeyPem, ...lines.slice(1, -1)]) world.emulator.state.issuedSecrets.add(secret);
}
world.emulator.state.issuedSecrets.add(PASSWORD);

beforeEach(() => {
  application.certificates = [parseClientCertificate(own.certificatePem)];
});

/** Writes a certificate file. */
function write(text: string | Buffer, name = 'client.pem'): string {
  const file = join(world.folder, name);
  writeFileSync(file, text);
  return file;
}

function variables(file: string, more: Record<string, string | undefined> = {}): Record<string, string | undefined> {
  return { AZURE_CLIENT_SECRET: undefined, AZURE_CLIENT_CERTIFICATE_PATH: file, ...more };
}

function both({ certificatePem, privateKeyPem }: Pem): string {
  return privateKeyPem + certificatePem;
}

function encrypt(type: 'pkcs1' | 'pkcs8'): string {
  const options = { format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSWORD } as const;
  const key = createPrivateKey(own.privateKeyPem);
  // TypeScript has a separate overload for each type.
  return String(
    type === 'pkcs1' ? key.export({ type: 'pkcs1', ...options }) : key.export({ type: 'pkcs8', ...options }),
  );
}

function thumbprint(pem: string, algorithm: string): string {
  return createHash(algorithm).update(new X509Certificate(pem).raw).digest('hex').toUpperCase();
}

/** The assertion of the last request to Entra. */
function sentAssertion(): NonNullable<ReturnType<typeof decodeToken>> {
  const request = world.emulator.requests.findLast(({ form }) => form['client_assertion'] !== undefined);
  const decoded = decodeToken(request?.form['client_assertion'] ?? '');
  if (decoded === undefined) throw new Error('no assertion was sent');
  return decoded;
}

describe('a client certificate', () => {
  test('signs in with one request to Entra and answers from the cache the next time', async () => {
    const file = write(both(own));
    const first = await world.get(REGISTRY, variables(file));
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
    world.forgetRequests();
    write('not needed any more');
    expect((await world.get(REGISTRY, variables(file))).Secret).toBe(first.Secret);
    expect(world.seen()).toEqual([]);
  });

  test('signs the header and claims that Entra requires', async () => {
    const before = Math.floor(Date.now() / 1000);
    await world.get(REGISTRY, variables(write(both(own))));
    const { header, claims } = sentAssertion();
    const digest = createHash('sha256').update(new X509Certificate(own.certificatePem).raw).digest('base64url');
    expect(header).toEqual({ alg: 'PS256', typ: 'JWT', 'x5t#S256': digest });
    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'sub']);
    expect(claims).toMatchObject({ aud: TOKEN_URL, iss: CLIENT_ID, sub: CLIENT_ID });
    expect(claims['jti']).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    const [iat, nbf, exp] = [claims['iat'], claims['nbf'], claims['exp']].map(Number);
    expect(nbf).toBe(iat);
    expect(nbf).toBeGreaterThanOrEqual(before - 300);
    expect(nbf).toBeLessThan(before - 60);
    expect(exp).toBeGreaterThanOrEqual(before + 600);
    expect(exp).toBeLessThan(before + 660);
  });

  test('sends exactly the fields of the assertion grant and no secret', async () => {
    await world.get(REGISTRY, variables(write(both(own))));
    expect(Object.keys(world.emulator.requests[0]?.form ?? {})).toEqual([
      'client_id',
      'scope',
      'grant_type',
      'client_assertion_type',
      'client_assertion',
    ]);
  });

  test('signs a new assertion for each sign-in', async () => {
    const file = write(both(own));
    const ids = new Set<unknown>();
    for (const _ of [1, 2]) {
      world.forgetTokens();
      await world.get(REGISTRY, variables(file));
      ids.add(sentAssertion().claims['jti']);
    }
    expect(ids.size).toBe(2);
  });

  test('names the token endpoint of the registry’s cloud as the audience', async () => {
    await world.get('myregistry.azurecr.cn', variables(write(both(own))));
    expect(sentAssertion().claims['aud']).toBe(
      TOKEN_URL.replace('login.microsoftonline.com', 'login.partner.microsoftonline.cn'),
    );
  });

  const forms: readonly (readonly [string, () => string])[] = [
    ['the certificate first', () => own.certificatePem + own.privateKeyPem],
    ['Windows line endings', () => both(own).replaceAll('\n', '\r\n')],
    ['a byte-order mark', () => `\uFEFF${both(own)}`],
    [
      'the attributes that openssl writes',
      () => `Bag Attributes\n  localKeyID: 01\n${own.certificatePem}subject=CN=a\n${own.privateKeyPem}`,
    ],
    [
      'a key in PKCS#1',
      () => `${createPrivateKey(own.privateKeyPem).export({ type: 'pkcs1', format: 'pem' })}${own.certificatePem}`,
    ],
    ['another certificate before its own', () => stranger.certificatePem + both(own)],
  ];
  test.each(forms)('signs in from a file with %s', async (_what, text) => {
    await world.get(REGISTRY, variables(write(text())));
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test.each(['pkcs1', 'pkcs8'] as const)('signs in with an encrypted %s key and its password', async (type) => {
    const file = write(encrypt(type) + own.certificatePem);
    await world.get(REGISTRY, variables(file, { AZURE_CLIENT_CERTIFICATE_PASSWORD: PASSWORD }));
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test('wins over the client secret when it is configured with a password file', async () => {
    const identity = {
      type: 'client-certificate',
      certificatePath: write(encrypt('pkcs8') + own.certificatePem),
      certificatePasswordFile: write(`${PASSWORD}\n`, 'password'),
    };
    world.configure({ [REGISTRY]: { identity } });
    // A configured identity wins over the secret in the environment.
    const { Secret } = await world.get();
    expect(readClaims(Secret)).toMatchObject({ aud: REGISTRY });
    expect(world.emulator.requests[0]?.form['client_secret']).toBeUndefined();
  });

  test('takes its password from the variable that the configuration names', async () => {
    const certificatePath = write(encrypt('pkcs8') + own.certificatePem);
    const identity = { type: 'client-certificate', certificatePath, certificatePasswordEnv: 'MY_PASSWORD' };
    world.configure({ [REGISTRY]: { identity } });
    await world.get(REGISTRY, { MY_PASSWORD: PASSWORD });
    expect(sentAssertion().claims['iss']).toBe(CLIENT_ID);
  });

  test('yields to the client secret in the environment', async () => {
    await world.get(REGISTRY, { AZURE_CLIENT_CERTIFICATE_PATH: '/there/is/none.pem' });
    expect(world.emulator.requests[0]?.form['client_secret']).toBeDefined();
  });
});

describe('the certificate chain', () => {
  const chain = () =>
    [own, stranger].map(({ certificatePem }) => new X509Certificate(certificatePem).raw.toString('base64'));

  test.each(['1', 'true', 'True', 'TRUE'])(
    'is part of the assertion when AZURE_CLIENT_SEND_CERTIFICATE_CHAIN is %s',
    async (flag) => {
      const file = write(both(own) + stranger.certificatePem);
      await world.get(REGISTRY, variables(file, { AZURE_CLIENT_SEND_CERTIFICATE_CHAIN: flag }));
      expect(sentAssertion().header['x5c']).toEqual(chain());
    },
  );

  test.each([undefined, '', '0', 'false', 'yes', ' 1'])(
    'stays out of the assertion when AZURE_CLIENT_SEND_CERTIFICATE_CHAIN is %j',
    async (flag) => {
      const file = write(both(own) + stranger.certificatePem);
      await world.get(REGISTRY, variables(file, { AZURE_CLIENT_SEND_CERTIFICATE_CHAIN: flag }));
      expect(sentAssertion().header['x5c']).toBeUndefined();
    },
  );

  test('starts with the certificate of the key when the configuration asks for it', async () => {
    const certificatePath = write(stranger.certificatePem + both(own));
    world.configure({
      [REGISTRY]: { identity: { type: 'client-certificate', certificatePath, sendCertificateChain: true } },
    });
    await world.get(REGISTRY, variables(certificatePath));
    expect(sentAssertion().header['x5c']).toEqual(chain());
  });
});

describe('when the certificate file is unusable', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const BEGIN = '-----BEGIN';
  const rows: readonly (readonly [what: string, text: () => string | Buffer, line: string, hint: string])[] = [
    ['an empty file', () => '', 'is empty', 'openssl pkcs12 -in FILE.pfx'],
    ['a file of blanks', () => ' \n\t', 'is empty', 'openssl pkcs12'],
    ['a file that is not PEM', () => 'hello', 'contains neither a certificate nor a key', 'openssl x509 -in'],
    [
      'a PFX file that is cut off',
      () => Buffer.from('308209b10201033082096d', 'hex'),
      'is binary, but not PKCS#12 (PFX)',
      'openssl pkcs12 -in',
    ],
    [
      'a DER file',
      () => new X509Certificate(own.certificatePem).raw,
      'is binary, but not PKCS#12 (PFX)',
      'openssl pkcs12 -in',
    ],
    ['a certificate without its key', () => own.certificatePem, 'a certificate without its private key', 'cat KEY.pem'],
    [
      'a key without its certificate',
      () => own.privateKeyPem,
      'a private key without its certificate',
      'CERTIFICATE.pem',
    ],
    [
      'the key of another certificate',
      () => stranger.privateKeyPem + own.certificatePem,
      'no certificate in',
      'openssl pkey -in',
    ],
    [
      'an EC key',
      () => `${ec}${own.certificatePem}`,
      'is of type ec, but Entra ID requires RSA',
      'openssl req -x509 -newkey rsa',
    ],
    [
      'a key that is too short',
      () => `${short}${own.certificatePem}`,
      'has 1024 bits',
      'openssl req -x509 -newkey rsa',
    ],
    [
      'an encrypted key without a password',
      () => encrypt('pkcs8') + own.certificatePem,
      'is encrypted',
      'set AZURE_CLIENT_CERTIFICATE_PASSWORD',
    ],
    [
      'an encrypted PKCS#1 key without a password',
      () => encrypt('pkcs1') + own.certificatePem,
      'is encrypted',
      'openssl pkey',
    ],
    [
      'a damaged key',
      () => `${BEGIN} PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${own.certificatePem}`,
      'private key in',
      'openssl pkey -in',
    ],
    [
      'a damaged certificate',
      () => `${own.privateKeyPem}${BEGIN} CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      'a certificate in',
      'openssl x509',
    ],
  ];
  test.each(rows)('reports %s with a command that helps', async (_what, text, line, hint) => {
    const file = write(text());
    const { stdout, stderr } = await world.fail(REGISTRY, variables(file));
    expect(stdout).toContain(line);
    expect(stdout).toContain(file);
    expect(stderr.split('\n').find((one) => one.startsWith('hint: '))).toContain(hint);
    expect(world.seen()).toEqual([]);
  });

  test.each(['pkcs1', 'pkcs8'] as const)('names the variable of a wrong password for a %s key', async (type) => {
    const file = write(encrypt(type) + own.certificatePem);
    const { stdout } = await world.fail(
      REGISTRY,
      variables(file, { AZURE_CLIENT_CERTIFICATE_PASSWORD: 'wrong-password' }),
    );
    expect(stdout).toContain('the password in AZURE_CLIENT_CERTIFICATE_PASSWORD does not open the private key');
    expect(stdout).not.toContain('wrong-password');
  });

  test('reports the path of a missing file', async () => {
    const { stdout } = await world.fail(REGISTRY, variables('/nowhere/client.pem'));
    expect(stdout).toContain('there is no certificate file /nowhere/client.pem');
  });

  test('reports the path of a folder in place of the file', async () => {
    const { stdout } = await world.fail(REGISTRY, variables(world.folder));
    expect(stdout).toContain(`the certificate ${world.folder} cannot be read`);
  });

  test.each([
    ['is empty', '', 'there is no certificate password'],
    ['is missing', undefined, 'there is no file'],
  ])('reports a missing password when the password file %s', async (_what, text, line) => {
    const certificatePasswordFile = text === undefined ? '/nowhere/password' : write(text, 'password');
    const certificatePath = write(encrypt('pkcs8') + own.certificatePem);
    world.configure({
      [REGISTRY]: { identity: { type: 'client-certificate', certificatePath, certificatePasswordFile } },
    });
    expect((await world.fail()).stdout).toContain(line);
  });
});

describe('when Entra judges the assertion', () => {
  test('reports both thumbprints of an unknown certificate', async () => {
    application.certificates = [];
    const { stdout, stderr } = await world.fail(REGISTRY, variables(write(both(own))));
    expect(stdout).toContain('the certificate does not belong to the application (AADSTS700027)');
    expect(stderr).toContain(
      `cause: the certificate in ${join(world.folder, 'client.pem')} has the thumbprint SHA-256 `,
    );
    expect(stderr).toContain(thumbprint(own.certificatePem, 'sha256'));
    expect(stderr).toContain(thumbprint(own.certificatePem, 'sha1'));
    expect(stderr).toContain(`hint: az ad sp show --id ${CLIENT_ID}`);
    expect(stderr).not.toContain('the assertion has iss');
  });

  test('reports when an expired certificate expired', async () => {
    application.certificates = [];
    world.aheadSeconds = 40 * 365 * 24 * 3600;
    const { stderr } = await world.fail(REGISTRY, variables(write(both(own))));
    expect(stderr).toContain(', and expired on 2049-12-31');
  });

  /** Fails as on a machine whose clock is this far ahead of Azure's. */
  async function failAhead(seconds: number): Promise<string> {
    const restore = world.emulator.inject({
      host: 'login.microsoftonline.com',
      status: 401,
      headers: { 'Content-Type': 'application/json', Date: new Date(Date.now() - seconds * 1000).toUTCString() },
      body: JSON.stringify({
        error: 'invalid_client',
        error_description: 'AADSTS700024: Client assertion is not within its valid time range.',
      }),
    });
    try {
      return (await world.fail(REGISTRY, variables(write(both(own))))).stderr;
    } finally {
      restore();
    }
  }

  test.each([
    [1200, /cause: this machine's clock is 1(?:19\d|20\d) s ahead of that of login\.microsoftonline\.com\n/],
    [-900, /cause: this machine's clock is (?:89\d|90\d) s behind that of login\.microsoftonline\.com\n/],
  ])('reports that the clock is off by %i seconds', async (seconds, line) => {
    const stderr = await failAhead(seconds);
    expect(stderr).toMatch(line);
    expect(stderr).toContain('hint: set this machine');
  });

  test('reports that the clock is right when it agrees with that of Entra', async () => {
    expect(await failAhead(0)).toContain("cause: this machine's clock agrees with that of login.microsoftonline.com");
  });

  /** Runs the program on a machine whose clock differs from Azure's. */
  function runAhead(seconds: number): Promise<Outcome> {
    return run(['get'], makeStreams(REGISTRY), {
      env: {
        ...world.variables,
        ...CLIENT_SECRET_VARIABLES,
        ...variables(write(both(own))),
      },
      platform: process.platform,
      programName: 'docker-credential-acr',
      now: () => Date.now() + seconds * 1000,
      secrets: new Set(),
      secretVariables: new Set(),
    });
  }

  test.each([-550, 0, 530])('signs in with a clock that is %i seconds ahead', async (seconds) => {
    expect((await runAhead(seconds)).exitCode).toBe(0);
  });

  test.each([-700, 700])('reports a clock that is %i seconds ahead', async (seconds) => {
    const { stdout, stderr } = await runAhead(seconds);
    expect(stdout).toContain('the assertion is outside its validity period (AADSTS700024)');
    expect(stderr).toContain(seconds > 0 ? ' s ahead of that of login.' : ' s behind that of login.');
    expect(stderr).not.toMatch(/eyJ/);
  });
});
