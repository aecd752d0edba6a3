/** Generates the JSON Schema of the configuration from the field descriptions that the program itself uses. */

import { CLOUD_FIELDS } from '../../src/config/cloud-settings.ts';
import { CONFIG_FIELDS } from '../../src/config/config.ts';
import { REGISTRY_FIELDS } from '../../src/config/registry-settings.ts';
import type { Fields } from '../../src/field.ts';
import { COMMON_FIELDS } from '../../src/identity/identity.ts';
import { SOURCES } from '../../src/identity/sources.ts';
import type { JsonObject } from '../../src/json.ts';

/** @returns the text of the file, with a line end. */
export function formatSchema(): string {
  const identity = reference('identity');
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'docker-credential-acr configuration',
    ...describeObject({
      $schema: { type: 'string' },
      registries: {
        description:
          'Settings by login server (myregistry.azurecr.io) or pattern (*.azurecr.io, prod*.azurecr.io). The exact name wins, then the pattern with the most characters; entries are not merged.',
        type: 'object',
        additionalProperties: reference('registry'),
      },
      identities: {
        description: 'Identities by a name of your choice, for "identity" of a registry. None of them holds a secret.',
        type: 'object',
        additionalProperties: identity,
      },
      clouds: {
        description:
          'Registries that are not of a cloud known by its suffix: *.SUFFIX for a cloud (Azure Stack Hub, Azure Local), HOST for one custom domain.',
        type: 'object',
        additionalProperties: reference('cloud'),
      },
      ...describeFields(CONFIG_FIELDS),
    }),
    $defs: {
      registry: {
        ...describeObject({
          identity: {
            description:
              'The only identity to use for this registry: a name of "identities", a source, or a source with its parameters.',
            oneOf: [{ type: 'string' }, identity],
          },
          ...describeFields(REGISTRY_FIELDS),
        }),
        if: { properties: { secret: { const: 'access-token' } }, required: ['secret'] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { required: ['scope'] },
        else: { not: { required: ['scope'] } },
      },
      identity: {
        description: 'A source of an identity, by its "type", with its parameters.',
        type: 'object',
        oneOf: SOURCES.map(({ name, summary, fields, required }) => ({
          description: `What the machine has: ${summary}.`,
          ...describeObject({ type: { const: name }, ...describeFields({ ...COMMON_FIELDS, ...fields }) }),
          required: ['type', ...required],
        })),
      },
      cloud: describeObject(describeFields(CLOUD_FIELDS)),
    },
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function describeFields(fields: Fields): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).map(([key, { description, schema }]) => [key, { description, ...schema }]),
  );
}

function describeObject(properties: JsonObject): JsonObject {
  return { type: 'object', additionalProperties: false, properties };
}

function reference(name: string): JsonObject {
  return { $ref: `#/$defs/${name}` };
}
