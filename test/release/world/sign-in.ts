/** What a program in another system needs to sign in to the emulated Azure: variables, and its certificate. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cloud } from '../../e2e/world/cloud.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../../emulator/state.ts';

/**
 * Copies the certificate to a folder that the other system sees.
 *
 * @param seenAs the path of the folder there.
 * @returns the variables, with a service principal.
 */
export function prepareSignIn(cloud: Cloud, folder: string, seenAs: string): Readonly<Record<string, string>> {
  const environment = cloud.emulator.environment();
  const certificate = environment['NODE_EXTRA_CA_CERTS'] ?? '';
  copyFileSync(certificate, join(folder, 'ca.pem'));
  const moved = Object.entries(environment).map(([name, value]) => [
    name,
    value === certificate ? `${seenAs}/ca.pem` : value,
  ]);
  return {
    ...Object.fromEntries(moved),
    AZURE_TENANT_ID: TENANT_ID,
    AZURE_CLIENT_ID: CLIENT_ID,
    AZURE_CLIENT_SECRET: CLIENT_SECRET,
    // Nothing listens there: the metadata service of a real machine is not asked.
    AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9',
  };
}
