/** Whatever a stranger's value holds, it is one quoted word in each command that a hint or an error tells to paste. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { requestAccessToken } from '../../src/acr/access-token.ts';
import { exchangeToken } from '../../src/acr/exchange.ts';
import { createCloud } from '../../src/clouds.ts';
import { findAuthority } from '../../src/entra/authority.ts';
import { findEntraAdvice } from '../../src/entra/error-codes.ts';
import { CredentialError } from '../../src/errors.ts';
import { requestCommandToken } from '../../src/identity/command/command-token.ts';
import { requestCliToken } from '../../src/identity/developer-tools/azure-cli-token.ts';
import { requestDeveloperCliToken } from '../../src/identity/developer-tools/azure-developer-cli-token.ts';
import { requestPowerShellToken } from '../../src/identity/developer-tools/azure-powershell-token.ts';
import { WORKLOAD_IDENTITY } from '../../src/identity/federated/workload-identity.ts';
import { requestLoginToken } from '../../src/identity/login/login-token.ts';
import { requestServiceFabricToken } from '../../src/identity/managed-identity/service-fabric.ts';
import { readSecretFile } from '../../src/identity/secret-file.ts';
import { loadClientCertificate } from '../../src/identity/service-principal/certificate-file.ts';
import { readLogin } from '../../src/logins/login.ts';
import { explainFailure, explainRedirect } from '../../src/network/http-failure.ts';
import { catchAnything } from './failure.ts';
import { expectIdentity, finderOf, requestFor } from './identity/request.ts';
import { registryNamed } from './registry-named.ts';
import { makeRuntime } from './runtime.ts';
import { useTemporaryFolder } from './temporary-folder.ts';
import { answer, toolsAnswering } from './token-context.ts';

const folder = useTemporaryFolder();
const SOURCE = join(import.meta.dirname, '../../src');
const REGISTRY = registryNamed('myregistry.azurecr.io');

/** Each ends the command before it, or adds one, unless it is quoted. */
const VALUES = [
  '$(touch pwned)',
  '`touch pwned`',
  'x; touch pwned',
  'x\ntouch pwned',
  "x'; touch pwned; '",
  'x"; touch pwned; "',
  'x | touch pwned & touch pwned',
  'x > pwned',
  '--pwned',
  "-x'$(pwned)",
];

/** As in the host of a URL, which holds fewer characters. */
const HOSTS = ['$(pwned)', 'x;pwned', '`pwned`', "x';pwned;'", 'x&pwned&y', '!pwned', '-pwned'];

/** Checks that a hint holds the value within quotes only. */
async function expectHarmless(value: string, fail: () => unknown): Promise<void> {
  const error = await catchAnything(fail);
  expect(error, value).toBeInstanceOf(CredentialError);
  if (!(error instanceof CredentialError)) return;
  expectQuoted(value, error.hint ?? '');
}

function expectQuoted(value: string, hint: string): void {
  // An apostrophe of the hint itself would turn all that follows inside out.
  const unquoted = hint.replaceAll(/'[^']*'/g, 'WORD');
  expect(unquoted, `${value} in ${hint}`).not.toMatch(/touch|[$;&|`>!'(]pwned/);
  expect(hint, value).not.toMatch(/[`\n]|(?:^| )-+pwned/);
}

function token(claims: object): string {
  return [{}, claims, {}].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
}

/** A file with a hostile name, which cannot hold a slash. */
function writeHostile(name: string, text: string): string {
  const file = folder.path(name);
  writeFileSync(file, text);
  return file;
}

describe('a hint quotes', () => {
  test.each(VALUES)("the account of a token's claims: %j", async (value) => {
    const refusing = toolsAnswering(answer(401, '')).context.http;
    for (const claim of ['upn', 'appid', 'azp', 'oid', 'tid', 'aud']) {
      await expectHarmless(value, () =>
        exchangeToken(makeRuntime(), refusing, REGISTRY, token({ [claim]: value }), undefined),
      );
    }
  });

  test.each(HOSTS)('the name of a registry: %j', async (host) => {
    for (const status of [401, 403, 404, 429, 500]) {
      const { http } = toolsAnswering(answer(status, "client with IP 'x' is not allowed")).context;
      const registry = { ...REGISTRY, host: `${host}.example`, service: `${host}.example` };
      await expectHarmless(host, () => exchangeToken(makeRuntime(), http, registry, token({}), undefined));
      await expectHarmless(host, () => requestAccessToken(makeRuntime(), http, registry, 'x', ['s']));
    }
  });

  test.each(VALUES)('the client and the tenant for every code of Entra: %j', (value) => {
    const codes = readFileSync(join(SOURCE, 'entra/error-codes.ts'), 'utf8').match(/\b\d{5,7}\b/g) ?? [];
    expect(codes.length).toBeGreaterThan(50);
    for (const code of [...codes, '1', undefined]) {
      const subject = { clientId: value, tenant: value, audience: value };
      expectQuoted(value, findEntraAdvice(code, subject).fix);
      expectQuoted(value, findEntraAdvice(code, { ...subject, signInCommand: 'docker-credential-acr login' }).fix);
    }
  });

  test.each(VALUES)("the tenant and the application of a person's account: %j", async (value) => {
    const runtime = makeRuntime({ DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path('data') });
    const account = {
      ...{ id: 'o.t', username: value, tenantId: value, authority: 'https://login.example.com', clientId: 'c' },
      ...({
        familyId: '1',
        registries: [],
        generation: '1',
        state: 'active',
        challenge: undefined,
        tenants: new Map(),
      } as const),
    };
    const request = { account: { ...account, keychain: undefined }, tenant: value, clientId: value, host: value };
    const { context } = toolsAnswering(answer(400, ''));
    await expectHarmless(value, () => requestLoginToken({ ...context, runtime }, request));
    const locked = { ...request, account: { ...account, keychain: 'pass' } };
    await expectHarmless(value, () => requestLoginToken({ ...context, runtime }, locked));
  });

  test.each(VALUES)('the path of a file with a secret: %j', async (value) => {
    await expectHarmless(value, () => readSecretFile(folder.path(value), 'client secret'));
    const blank = writeHostile(value, ' ');
    await expectHarmless(value, () => readSecretFile(blank, 'client secret'));
    await expectHarmless(value, () => readSecretFile(`${blank}/x`, 'client secret'));
  });

  test.each(VALUES)('the path of a certificate: %j', async (value) => {
    const runtime = makeRuntime();
    const { publicKeyPem, encrypted, short } = PEM;
    for (const text of ['', 'x', '0\u0082x', publicKeyPem, encrypted, short, `${short}${publicKeyPem}`, BROKEN_KEY]) {
      const file = writeHostile(value, text);
      for (const password of [undefined, 'wrong']) {
        const location = { file, fileSetting: 'CERTIFICATE_PATH', password, passwordSetting: value };
        await expectHarmless(value, () => loadClientCertificate(runtime, location));
      }
    }
    const file = folder.path('none', value);
    const location = { file, fileSetting: 'CERTIFICATE_PATH', password: undefined, passwordSetting: value };
    await expectHarmless(value, () => loadClientCertificate(runtime, location));
  });

  test.each(VALUES)('the path of a federated token: %j', async (value) => {
    const ids = { AZURE_CLIENT_ID: 'c', AZURE_TENANT_ID: 't' };
    const file = writeHostile(value, 'no token');
    const request = requestFor({ ...ids, AZURE_FEDERATED_TOKEN_FILE: file });
    const identity = expectIdentity(finderOf(WORKLOAD_IDENTITY)(request));
    await expectHarmless(value, () => identity.getToken(toolsAnswering(answer(200, '')).context));
  });

  test.each(HOSTS)('the host of a URL: %j', async (host) => {
    const url = `https://${host}.azurecr.io/`;
    for (const code of ['ENOTFOUND', 'ECONNRESET', 'INVALID_CA', 'UNSPECIFIED', 'ERR_TLS_CERT_ALTNAME_INVALID']) {
      for (const isDirect of [false, true]) {
        const failure = Object.assign(new Error('x'), { code });
        const how = { attempts: 1, isDirect };
        const { hint = '' } = explainFailure(makeRuntime(), { method: 'GET', url }, failure, how);
        expectQuoted(host, hint);
      }
    }
    const redirect = { ...answer(302, ''), header: () => undefined };
    expectQuoted(host, explainRedirect({ method: 'GET', url }, redirect, false).hint ?? '');
    const authority = createCloud(
      { registrySuffix: 'x.example', isOneHost: true },
      { authorityHost: new URL(url).href },
    );
    const registry = { ...REGISTRY, cloud: authority };
    const runtime = makeRuntime({ AZURE_AUTHORITY_HOST: 'http://x' });
    await expectHarmless(host, () => findAuthority({ runtime, registry, parameters: {} }));
    const { context } = toolsAnswering(answer(200, ''));
    const endpoint = { url, variable: 'IDENTITY_ENDPOINT' };
    const request = { endpoint, selector: undefined, isChosen: false };
    await expectHarmless(host, () => requestServiceFabricToken(context, request));
  });

  test.each(VALUES)('the account and the messages of az, azd and pwsh: %j', async (value) => {
    const said = [
      value,
      `az login --tenant "${value}"`,
      `run \`azd auth login --scope ${value}\``,
      'AADSTS50076',
      'az login',
    ];
    const bin = folder.path('bin');
    mkdirSync(bin);
    for (const name of ['az', 'azd', 'pwsh', 'own']) {
      writeFileSync(join(bin, name), `#!/bin/sh\ncat <<'END' >&2\n${said.join('\n')}\nEND\nexit 1\n`);
      chmodSync(join(bin, name), 0o700);
    }
    const { context } = toolsAnswering(answer(200, ''), { PATH: `${bin}:/usr/bin:/bin` });
    for (const tenant of [value, undefined]) {
      for (const servicePrincipalTenant of [value, undefined]) {
        const request = { account: value, tenant, servicePrincipalTenant };
        await expectHarmless(value, () => requestCliToken(context, request));
      }
      await expectHarmless(value, () => requestDeveloperCliToken(context, tenant));
      await expectHarmless(value, () => requestPowerShellToken(context, { account: value, tenant }));
      const other = { ...context, audience: value };
      await expectHarmless(value, () => requestCliToken(other, { account: value, tenant }));
    }
    mkdirSync(join(folder.path(), value), { recursive: true });
    const own = join(folder.path(), value, 'own');
    writeFileSync(own, '#!/bin/sh\nexit 1\n');
    chmodSync(own, 0o700);
    const program = value.includes('\n') ? join(bin, 'own') : own;
    await expectHarmless(value, () => requestCommandToken(context, REGISTRY, { program, args: [] }));
  });

  test.each(VALUES)('the server of a login in a keychain that is gone: %j', async (value) => {
    const request = { runtime: makeRuntime(), name: value, backend: undefined, log: undefined };
    await expectHarmless(value, () => readLogin(request, { server: value, username: 'u', keychain: 'pass' }));
  });
});

const BROKEN_KEY = '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n';
const PEM = {
  publicKeyPem: '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n',
  encrypted: BROKEN_KEY.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'),
  short: BROKEN_KEY.replaceAll('PRIVATE', 'RSA PRIVATE'),
};

test('every value within a command in the source is quoted by shellWord', () => {
  const command =
    /\b(?:az|azd|docker|docker-credential-acr|ls|openssl|chmod|cat|curl|nslookup|azcmagent|Connect-AzAccount|Get-AzAccessToken) [^`]*\$\{/;
  /** What comes from this program alone. */
  const own = [
    'command', // a part that is quoted already
    'query',
    'selector.origin', // the name of a variable or a key
    'readPort(url)', // a number, within a word
    // The name of a registry's host holds letters, digits, dots and hyphens, and starts with none of the latter.
    'host} (src/credential.ts)',
  ];
  const unquoted = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const literals =
        readFileSync(join(SOURCE, name), 'utf8').match(/`(?:[^`$]|\$\{(?:[^`{}]|`[^`]*`)*\}|\$)*`/g) ?? [];
      const values = literals
        .filter((text) => command.test(text))
        .flatMap((text) => {
          const start = text.search(command);
          return text.slice(start).match(/\$\{[^}]*\}/g) ?? [];
        });
      return values.map((value) => `${value.slice(2, -1)}} (src/${name})`);
    })
    .filter((value) => !/(?:shellWord|plainWord)\(/.test(value))
    .filter((value) => !own.some((one) => value.startsWith(`${one}}`) || value === one));
  expect(unquoted).toEqual([]);
});
