/** Asks the managed identity services as the official SDK does, but for what is in the list of differences. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseJsonObject } from '../../src/json.ts';
import type { AssignedIdentity } from '../emulator/managed-identity.ts';
import type { ManagedIdentityRecord } from '../emulator/managed-identity-server.ts';
import { type Kind, NEEDS_ROOT, OTHER, useManagedIdentityWorld } from './managed-identity-world.ts';

const host = useManagedIdentityWorld('sdk');
const PROGRAM = join(import.meta.dirname, '../emulator/managed-identity-sdk.ts');
const SETTINGS = { clientId: 'TEST_CLIENT_ID', objectId: 'TEST_OBJECT_ID', resourceId: 'TEST_RESOURCE_ID' } as const;

/** Headers that only the SDK sends, on purpose. */
const ONLY_SDK_HEADERS: Readonly<Record<string, string>> = {
  'x-client-sku': 'telemetry of the library',
  'x-client-ver': 'telemetry of the library',
  'x-ms-client-request-id': 'telemetry of the library',
  'user-agent': 'telemetry of the library',
  'accept-encoding': 'an answer is one kilobyte',
  'content-length': 'of no GET',
  'content-type': 'of no GET',
};
/** Headers that differ by the HTTP client alone. */
const PLAIN_HEADERS = ['host', 'connection', 'accept', 'transfer-encoding'];

/** What is compared of a request; the names of the essential headers are all that are left of them. */
function essence({ method, path, query, headers, form }: ManagedIdentityRecord) {
  const isGet = method === 'GET';
  const own = Object.entries(headers).filter(([name]) => !PLAIN_HEADERS.includes(name));
  const essential = own.filter(([name]) => !(name in ONLY_SDK_HEADERS) || (name === 'content-type' && !isGet));
  // The charset of a form of ASCII makes no difference.
  const plain = essential.map(([name, value]) => [name, value.replace(/;\s*charset=utf-8$/i, '')]);
  return { method, path, query, headers: Object.fromEntries(plain), form };
}

async function runSdk(kind: Kind, parameter: keyof AssignedIdentity | undefined): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], {
    env: {
      PATH: process.env['PATH'],
      HOME: host().world.folder,
      ...host().environment(kind),
      ALL_PROXY: undefined, // the SDK would send even this through a proxy
      ...(parameter === undefined ? {} : { [SETTINGS[parameter]]: OTHER[parameter] }),
    },
  });
  const { token, error } = parseJsonObject(stdout) ?? {};
  expect(error).toBeUndefined();
  return typeof token === 'string' ? token : undefined;
}

type Essence = ReturnType<typeof essence>;
type Difference = (ours: Essence) => Essence;

/** What is another on purpose, as the change that makes our request the SDK's. */
const SLASH: Difference = (ours) => ({ ...ours, path: `${ours.path}/` }); // no documentation has it
const METADATA: Difference = (ours) => ({ ...ours, headers: { ...ours.headers, metadata: 'true' } }); // only IMDS reads it
const SAME: Difference = (ours) => ours;

describe('the request of the official SDK', () => {
  const rows: readonly (readonly [Kind, keyof AssignedIdentity | undefined, Difference, difference: string])[] = [
    ['app service', undefined, SAME, 'nothing'],
    ['app service', 'clientId', SAME, 'nothing'],
    ['app service', 'objectId', SAME, 'nothing'],
    ['app service', 'resourceId', SAME, 'nothing'],
    ['azure ml', 'clientId', METADATA, 'the header of another service'],
    ['cloud shell', undefined, SAME, 'nothing'],
    ['azure arc', undefined, SAME, 'nothing'],
    ['imds', undefined, SLASH, 'a slash at the end of the path'],
    ['imds', 'objectId', SLASH, 'a slash at the end of the path'],
    ['imds', 'resourceId', SLASH, 'a slash at the end of the path'],
  ];
  for (const [kind, parameter, change, difference] of rows) {
    test(`to ${kind}${parameter === undefined ? '' : ` for a ${parameter}`} differs from ours in ${difference}`, async ({
      skip,
    }) => {
      skip(kind === 'azure arc' && !host().hasArcFolder, NEEDS_ROOT);
      if (parameter !== undefined) host().choose(parameter);
      await host().get(host().environment(kind));
      const ours = host().server.requests.map(essence);
      host().server.reset();
      expect(await runSdk(kind, parameter)).toMatch(/^eyJ/);
      expect(host().server.requests.map(essence)).toEqual(ours.map(change));
    });
  }
});
