/** Sources made from their descriptions: the parameters that they are asked with. */
import { describe, expect, test } from 'vitest';
import { ObjectReader } from '../../../src/config/object-reader.ts';
import { text } from '../../../src/field.ts';
import {
  COMMON_FIELDS,
  defineSource,
  type IdentityRequest,
  joinNames,
  type ReadFields,
} from '../../../src/identity/identity.ts';
import type { JsonObject } from '../../../src/json.ts';
import { catchFailure } from '../failure.ts';
import { requestFor } from './request.ts';

const FIELDS = { color: text('A colour.', 'a colour') };

/** A source that is never set up, and records the requests that it gets. */
function defineRecorder(hasLast = true) {
  const requests: IdentityRequest[] = [];
  const answer = (notSetUp: string) => (request: IdentityRequest) => {
    requests.push(request);
    return { notSetUp };
  };
  const source = defineSource({
    name: 'recorder',
    aliases: ['RecorderCredential'],
    group: 'dev',
    summary: 'nothing sets it up',
    fields: FIELDS,
    find: answer('find'),
    ...(hasLast ? { findLast: answer('findLast') } : {}),
  });
  return { source, requests };
}

const readerOf =
  (values: JsonObject): ReadFields =>
  (fields) =>
    new ObjectReader(values, [], '/config.json').read(fields);

/** What the chain asks with. */
function request(tenantId?: string) {
  const { parameters: _, ...rest } = requestFor({});
  return { ...rest, tenantId };
}

describe('defineSource', () => {
  test('keeps what describes the source, and requires no key unless told', () => {
    const { source } = defineRecorder();
    expect(source).toMatchObject({
      name: 'recorder',
      aliases: ['RecorderCredential'],
      group: 'dev',
      summary: 'nothing sets it up',
      fields: FIELDS,
      required: [],
    });
    const find = () => ({ notSetUp: '' });
    const description = { name: 'x', aliases: [], group: undefined, summary: '', fields: FIELDS, find };
    expect(defineSource({ ...description, required: ['color'] }).required).toEqual(['color']);
  });

  test('without a configuration asks with no parameters', () => {
    const { source, requests } = defineRecorder();
    const configured = source.configure();
    expect(configured).toMatchObject({ source: 'recorder', tenantId: undefined, audience: undefined });
    expect(configured.find(request())).toEqual({ notSetUp: 'find' });
    expect(requests[0]?.parameters).toEqual({});
    expect(requests[0]?.parameters.tenantId).toBeUndefined();
  });

  test('with a configuration asks with the values of its own keys and of those that all identities have', () => {
    const { source, requests } = defineRecorder();
    const values = {
      color: 'red',
      tenantId: 'its-tenant',
      authorityHost: 'https://login.example.com',
      audience: 'https://audience.example.com',
    };
    const configured = source.configure(readerOf(values));
    expect(configured.tenantId).toBe('its-tenant');
    expect(configured.audience).toBe('https://audience.example.com');
    configured.find(request());
    expect(requests[0]?.parameters).toEqual(values);
  });

  test('passes on the runtime, the registry and whether the source is chosen', () => {
    const { source, requests } = defineRecorder();
    const asked = { ...request(), isChosen: true };
    source.configure().find(asked);
    expect(requests[0]).toMatchObject({ runtime: asked.runtime, registry: asked.registry, isChosen: true });
    expect(requests[0]).not.toHaveProperty('tenantId');
  });

  for (const name of ['find', 'findLast'] as const) {
    test(`gives ${name} the tenant of the request, which wins over that of the configuration`, () => {
      const { source, requests } = defineRecorder();
      const configured = source.configure(readerOf({ tenantId: 'its-tenant' }));
      expect(configured[name]?.(request('of-the-request'))).toEqual({ notSetUp: name });
      configured[name]?.(request());
      source.configure()[name]?.(request('of-the-request'));
      expect(requests.map(({ parameters }) => parameters.tenantId)).toEqual([
        'of-the-request',
        'its-tenant',
        'of-the-request',
      ]);
    });
  }

  test('looks only once where the description does', () => {
    expect(defineRecorder(false).source.configure().findLast).toBeUndefined();
  });

  test.each([{ color: 7 }, { tenantId: 'a b' }, { authorityHost: 'http://login.example.com' }, { audience: 'a b' }])(
    'rejects the configuration %j when it is configured, not when it is asked',
    async (values) => {
      const { source } = defineRecorder();
      const failure = await catchFailure(() => source.configure(readerOf(values)));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toContain(`"${Object.keys(values)[0]}"`);
    },
  );
});

test('every identity has a tenant, an authority and an audience', () => {
  expect(Object.keys(COMMON_FIELDS)).toEqual(['tenantId', 'authorityHost', 'audience']);
});

describe('joinNames', () => {
  test.each<[readonly string[], string]>([
    [['ada@contoso.com', 'contoso.com', 'AzureCloud'], 'ada@contoso.com contoso.com AzureCloud'],
    [['ada', 'contoso.com', ''], 'ada contoso.com'],
    [['ada', '', 'MSI'], 'ada  MSI'],
    [['ada b', 'c'], 'ada%20b c'],
    [['ada', 'b c'], 'ada b%20c'],
    [['ada%20b', 'c'], 'ada%2520b c'],
    [['a\nb', ' '], 'a%0Ab %20'],
  ])('joins %j to %j', (names, joined) => {
    expect(joinNames(...names)).toBe(joined);
  });
});
