/** Two processes with different secrets can tell, wherever the secret is: `readSecret` of every source that has one. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { WORKLOAD_IDENTITY } from '../../../src/identity/federated/workload-identity.ts';
import type { IdentitySource } from '../../../src/identity/identity.ts';
import { CLIENT_CERTIFICATE } from '../../../src/identity/service-principal/client-certificate.ts';
import { CLIENT_SECRET } from '../../../src/identity/service-principal/client-secret.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';
import { expectIdentity, finderOf, requestFor } from './request.ts';

const folder = useTemporaryFolder();
const IDS = { AZURE_CLIENT_ID: 'the-client', AZURE_TENANT_ID: 'the-tenant' };

/** Where a secret can be: what names the file, and whether a variable or the configuration does. */
const FILES: readonly (readonly [
  source: IdentitySource,
  setting: string,
  others?: Readonly<Record<string, string>>,
])[] = [
  [CLIENT_SECRET, 'clientSecretFile'],
  [CLIENT_CERTIFICATE, 'certificatePath'],
  [CLIENT_CERTIFICATE, 'AZURE_CLIENT_CERTIFICATE_PATH'],
  [CLIENT_CERTIFICATE, 'certificatePasswordFile', { AZURE_CLIENT_CERTIFICATE_PATH: '/certificate.pem' }],
  [WORKLOAD_IDENTITY, 'tokenFile'],
  [WORKLOAD_IDENTITY, 'AZURE_FEDERATED_TOKEN_FILE'],
  [WORKLOAD_IDENTITY, 'ARM_OIDC_TOKEN_FILE_PATH'],
];

describe('readSecret of', () => {
  for (const [source, setting, others = {}] of FILES) {
    test(`${source.name} differs with the content of the file that ${setting} names, though its path is the same`, () => {
      const file = folder.path('secret');
      const read = () => {
        const isVariable = setting === setting.toUpperCase();
        const env = { ...IDS, ...others, ...(isVariable ? { [setting]: file } : {}) };
        const request = requestFor(env, isVariable ? {} : { [setting]: file });
        return expectIdentity(finderOf(source)(request)).readSecret?.();
      };
      const missing = read();
      writeFileSync(file, 'one');
      const one = read();
      writeFileSync(file, 'two');
      expect(new Set([missing, one, read()]).size).toBe(3);
      writeFileSync(file, 'one');
      expect(read()).toBe(one);
    });
  }

  test('client-secret is the name of its entry in the keychain, which is not asked', () => {
    const identity = expectIdentity(
      finderOf(CLIENT_SECRET)(requestFor(IDS, { clientSecretKeychain: 'https://entry' })),
    );
    expect(identity.readSecret?.()).toBe('https://entry');
  });
});
