/** The JSON Schema of the configuration is made of what the program reads it by. `npm test -- scripts -u` rewrites it. */
import { describe, expect, it } from 'vitest';
import { formatSchema } from '../../../scripts/build/schema.ts';
import { CLOUD_FIELDS } from '../../../src/config/cloud-settings.ts';
import { CONFIG_KEYS } from '../../../src/config/config.ts';
import { identityKeys } from '../../../src/config/identity-settings.ts';
import { LOGIN_BACKENDS } from '../../../src/config/login-settings.ts';
import { ON_ERROR_CHOICES, REGISTRY_KEYS, SECRET_KINDS } from '../../../src/config/registry-settings.ts';
import { SOURCES } from '../../../src/identity/sources.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../../src/json.ts';

const FILE = `${import.meta.dirname}/../../../src/config/config.schema.json`;

const schema = parseJsonObject(formatSchema()) ?? {};
const registry = read(schema, '$defs', 'registry');
const cloud = read(schema, '$defs', 'cloud');
const identity = read(schema, '$defs', 'identity');
const branches = toList(identity['oneOf']).map((one) => asJsonObject(one) ?? {});

/** The object that these keys lead to. */
function read(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return keys.reduce((one: JsonObject, key) => asJsonObject(one[key]) ?? {}, object);
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

describe('formatSchema', () => {
  it('returns the text of src/config/config.schema.json', async () => {
    await expect(formatSchema()).toMatchFileSnapshot(FILE);
  });

  it.each([
    ['the whole file', schema, CONFIG_KEYS],
    ['a registry', registry, REGISTRY_KEYS],
    ['a cloud', cloud, Object.keys(CLOUD_FIELDS)],
  ])('lists for %s exactly the keys that the program knows', (_name, object, keys) => {
    expect(Object.keys(read(object, 'properties'))).toEqual(keys);
    expect([object['type'], object['additionalProperties']]).toEqual(['object', false]);
  });

  it('has one branch a source of an identity, in the order of the sources', () => {
    expect(branches.map((branch) => read(branch, 'properties', 'type')['const'])).toEqual(
      SOURCES.map(({ name }) => name),
    );
  });

  it.each(SOURCES.map((source, index) => ({ name: source.name, source, index })))(
    'lists for $name exactly its keys, and those that have to be there',
    ({ source, index }) => {
      const branch = branches[index] ?? {};
      expect(Object.keys(read(branch, 'properties'))).toEqual(identityKeys(source));
      expect([branch['type'], branch['additionalProperties']]).toEqual(['object', false]);
      expect(branch['required']).toEqual(['type', ...source.required]);
    },
  );

  it.each([
    ['secret', registry, SECRET_KINDS],
    ['onError', registry, ON_ERROR_CHOICES],
    ['store', schema, LOGIN_BACKENDS],
  ])('lists for "%s" the choices of the program', (key, object, choices) => {
    expect(read(object, 'properties', key)['enum']).toEqual([...choices]);
  });

  it('takes only true or false for "anonymous"', () => {
    expect(read(registry, 'properties', 'anonymous')['type']).toBe('boolean');
  });

  it('describes every key of every object', () => {
    const described = [schema, registry, cloud, ...branches].flatMap((object) => {
      const properties = read(object, 'properties');
      return Object.keys(properties)
        .filter((key) => !['$schema', 'type'].includes(key))
        .map((key) => properties[key]);
    });
    expect(described.length).toBeGreaterThan(50);
    for (const property of described) expect(asJsonObject(property)?.['description']).toMatch(/^[A-Z].*\.$/s);
  });

  it('refers only to what it defines', () => {
    const references = formatSchema().match(/"\$ref": "[^"]*"/g) ?? [];
    expect(new Set(references)).toEqual(
      new Set(Object.keys(read(schema, '$defs')).map((name) => `"$ref": "#/$defs/${name}"`)),
    );
  });
});
