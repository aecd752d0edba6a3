/** Our managed identity requests match those of the official SDK, except for the listed differences. */

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
/** Headers that depend only on the HTTP client. */
const PLAIN_HEADERS = ['host', 'connection', 'accept', 'transfer-encoding'];

/** The parts of a request that are compared, without the headers that do not matter. */
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

/** The intended differences, as changes that turn our request into that of the SDK. */
const SLASH: Difference = (ours) => ({ ...ours, path: `${ours.path}/` }); // no documentation has it
const METADATA: Difference = (ours) => ({ ...ours, headers: { ...ours.headers, metadata: 'true' } }); // only IMDS reads it
const SAME: Difference = (ours) => ours;

describe('the request of the official SDK', () => {
  const rows: readonly (readonly [Kind, keyof AssignedIdentity | undefined, Difference, difference: string])[] = [
    ['app service', undefined, SAME, 'equals ours'],
    ['app service', 'clientId', SAME, 'equals ours'],
    ['app service', 'objectId', SAME, 'equals ours'],
    ['app service', 'resourceId', SAME, 'equals ours'],
    ['azure ml', 'clientId', METADATA, 'adds the header of another service'],
    ['cloud shell', undefined, SAME, 'equals ours'],
    ['azure arc', undefined, SAME, 'equals ours'],
    ['imds', undefined, SLASH, 'adds a slash to the path'],
    ['imds', 'objectId', SLASH, 'adds a slash to the path'],
    ['imds', 'resourceId', SLASH, 'adds a slash to the path'],
  ];
  for (const [kind, parameter, change, difference] of rows) {
    test(`to ${kind}${parameter === undefined ? '' : ` with "${parameter}"`} ${difference}`, async ({ skip }) => {
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
