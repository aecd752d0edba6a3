/** The variables that name files: a relative path is refused, since it names a file of the working directory. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listClientFiles } from '../../../src/commands/clients/client-config.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { AZURE_CLI } from '../../../src/identity/developer-tools/azure-cli.ts';
import { AZURE_DEVELOPER_CLI } from '../../../src/identity/developer-tools/azure-developer-cli.ts';
import { WORKLOAD_IDENTITY } from '../../../src/identity/federated/workload-identity.ts';
import { CLIENT_CERTIFICATE } from '../../../src/identity/service-principal/client-certificate.ts';
import { listRegistries } from '../../../src/logins/docker-config.ts';
import { checkCertificatePaths } from '../../../src/network/certificate-paths.ts';
import { createTrust } from '../../../src/network/certificates.ts';
import { isNotSetUp } from '../../../src/not-set-up.ts';
import { findCacheFolder, findConfigFile, findDataFolder, findHome } from '../../../src/system/paths.ts';
import type { Runtime } from '../../../src/system/runtime.ts';
import { catchFailure } from '../failure.ts';
import { finderOf, requestFor } from '../identity/request.ts';
import { makeRuntime } from '../runtime.ts';

const RELATIVE = ['ca.pem', './ca.pem', '../ca.pem', '~/ca.pem', ' /ca.pem', 'file:///ca.pem', '.', 'C:ca.pem'];
const IDS = { AZURE_CLIENT_ID: 'the-client', AZURE_TENANT_ID: 'the-tenant', HOME: '/nowhere' };

/** How a relative path is refused: with an error of this code, or as if the variable were not set. */
type Refusal = 'CONFIG_INVALID' | 'IDENTITY_INVALID' | 'ignored';

/** Every variable that names a file or a folder, and what reads it; it returns `undefined` when it ignores the path. */
const VARIABLES: Readonly<Record<string, readonly [Refusal, (runtime: Runtime, path: string) => unknown]>> = {
  NODE_EXTRA_CA_CERTS: ['CONFIG_INVALID', (runtime) => createTrust(runtime, 'bundled')],
  SSL_CERT_FILE: ['CONFIG_INVALID', checkCertificatePaths],
  SSL_CERT_DIR: ['CONFIG_INVALID', checkCertificatePaths],
  AZURE_FEDERATED_TOKEN_FILE: ['IDENTITY_INVALID', findWith(WORKLOAD_IDENTITY)],
  ARM_OIDC_TOKEN_FILE_PATH: ['IDENTITY_INVALID', findWith(WORKLOAD_IDENTITY)],
  AZURE_CLIENT_CERTIFICATE_PATH: ['IDENTITY_INVALID', findWith(CLIENT_CERTIFICATE)],
  // test/integration/federation.test.ts: it is read during a sign-in.
  AZURE_KUBERNETES_CA_FILE: ['ignored', () => undefined],
  DOCKER_CREDENTIAL_ACR_CONFIG: [
    'CONFIG_INVALID',
    async (runtime) => (await loadConfig(runtime)).loginSettingsOf(undefined, 'x'),
  ],
  DOCKER_CREDENTIAL_ACR_CACHE_DIR: ['ignored', findCacheFolder],
  DOCKER_CREDENTIAL_ACR_DATA_DIR: ['ignored', findDataFolder],
  AZURE_CONFIG_DIR: ['ignored', findWith(AZURE_CLI)],
  AZD_CONFIG_DIR: ['ignored', findWith(AZURE_DEVELOPER_CLI)],
  DOCKER_CONFIG: ['ignored', (runtime) => listRegistries(runtime)[0]],
  REGISTRY_AUTH_FILE: ['ignored', findClientFile],
  XDG_RUNTIME_DIR: ['ignored', findClientFile],
  HELM_REGISTRY_CONFIG: ['ignored', findClientFile],
  HELM_CONFIG_HOME: ['ignored', findClientFile],
  HOME: ['ignored', findHome],
  USERPROFILE: ['ignored', (runtime) => findHome({ ...runtime, platform: 'win32' })],
  XDG_CACHE_HOME: ['ignored', findCacheFolder],
  XDG_CONFIG_HOME: ['ignored', findConfigFile],
  XDG_DATA_HOME: ['ignored', findDataFolder],
  APPDATA: ['ignored', (runtime) => findConfigFile({ ...runtime, platform: 'win32', env: windows(runtime) })],
  LOCALAPPDATA: ['ignored', (runtime) => findDataFolder({ ...runtime, platform: 'win32', env: windows(runtime) })],
};

/** The file of a client that the relative path leads to. */
function findClientFile(runtime: Runtime, path: string) {
  return listClientFiles(runtime).find(({ file }) => file.startsWith(path));
}

function findWith(source: Parameters<typeof finderOf>[0]) {
  return ({ env }: Runtime) => {
    const set = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value ? [[name, value]] : [])));
    const found = finderOf(source)(requestFor(set));
    return isNotSetUp(found) ? undefined : found;
  };
}

function windows({ env }: Runtime): Runtime['env'] {
  return { USERPROFILE: '/home/me', ...env };
}

describe('a relative path is refused in', () => {
  for (const [name, [refusal, read]] of Object.entries(VARIABLES)) {
    test(name, async () => {
      for (const path of RELATIVE) {
        const runtime = makeRuntime({ ...IDS, [name]: path });
        if (refusal === 'ignored') {
          expect(await read(runtime, path), path).toBeUndefined();
          continue;
        }
        const { code, message, hint } = await catchFailure(async () => await read(runtime, path));
        expect(code, path).toBe(refusal);
        expect(message).toContain(name);
        expect(message).toContain('not an absolute path');
        expect(hint).toContain('absolute path');
      }
    });
  }
});

test('SSL_CERT_DIR may hold several folders, all of them absolute', async () => {
  const check = (folders: string) => checkCertificatePaths(makeRuntime({ SSL_CERT_DIR: folders }));
  for (const folders of ['', '/etc/ssl/certs', '/a:/b', '/a:/b:']) check(folders);
  for (const folders of ['certs', '/a:certs', 'certs:/a', ':/a', '/a:.:/b', '/a::./b']) {
    expect((await catchFailure(() => check(folders))).code, folders).toBe('CONFIG_INVALID');
  }
});

test('a relative path does not matter where another setting takes precedence', () => {
  const certificate = findWith(CLIENT_CERTIFICATE);
  const set = { ...IDS, AZURE_CLIENT_CERTIFICATE_PATH: 'x.pem', AZURE_CLIENT_SECRET: 'hidden' };
  expect(certificate(makeRuntime(set))).toBeUndefined();
  const token = findWith(WORKLOAD_IDENTITY);
  expect(token(makeRuntime({ ...IDS, AZURE_FEDERATED_TOKEN: 'e.y.j', AZURE_FEDERATED_TOKEN_FILE: 'x' }))).toBeDefined();
});

test('no other variable of the program names a file or a folder', () => {
  const source = join(import.meta.dirname, '../../../src');
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => readFileSync(join(source, name), 'utf8').match(/'[A-Za-z]+(?:_[A-Z0-9]+)*'/g) ?? [])
    .map((quoted) => quoted.slice(1, -1))
    .filter((name) =>
      /^(?:[A-Z0-9]+_)*(?:[A-Z]+_)(?:FILE|PATH|DIR|CERTS|HOME|CONFIG|LOG)$|HOME$|DATA$|PROFILE$/.test(name),
    );
  // A log may be relative: the person who asks for one names it. The others hold certificates and a configuration.
  const others = ['DOCKER_AUTH_CONFIG', 'DOCKER_CREDENTIAL_ACR_LOG', 'AZURE_KUBERNETES_CA_DATA'];
  expect([...new Set(names)].filter((name) => !others.includes(name)).sort()).toEqual(Object.keys(VARIABLES).sort());
});
