/** The options of callers without a compiler. */
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { createCredentialProvider } from '../../../src/library/library.ts';
import { assertProviderOptions, assertSignal } from '../../../src/library/options.ts';

describe('an option of another type is refused', () => {
  test.each([null, 5, true, [], new Map(), new URL('file:///config.json'), () => ({})])('config %s', (config) => {
    const call = () => assertProviderOptions({ config });
    expect(call).toThrow(new TypeError('The option "config" is neither an absolute path nor a plain object'));
  });

  test.each([null, 5, {}, '', 'cache'])('cacheDir %s', (cacheDir) => {
    expect(() => assertProviderOptions({ cacheDir })).toThrow(TypeError);
  });

  test.each([null, 'x', {}])('log %s', (log) => {
    expect(() => assertProviderOptions({ log })).toThrow(new TypeError('The option "log" is not a function'));
  });

  test.each([null, 'x', 5])('env %s', (env) => {
    expect(() => assertProviderOptions({ env })).toThrow(new TypeError('The option "env" is not an object'));
  });

  test.each([null, {}, 'x', new EventTarget()])('signal %s', (signal) => {
    expect(() => assertSignal(signal)).toThrow(new TypeError('The option "signal" is not an AbortSignal'));
  });

  test('a variable, without its value', () => {
    const call = () => assertProviderOptions({ env: { AZURE_CLIENT_SECRET: 123456 } });
    expect(call).toThrow(new TypeError('The variable AZURE_CLIENT_SECRET of the option "env" is not a string'));
  });

  test('a relative path, which it names', () => {
    const call = () => createCredentialProvider({ config: 'config.json' });
    expect(call).toThrow(new TypeError('The option "config" is not an absolute path: config.json'));
  });
});

test('an option that is changed afterwards does not count', async () => {
  const options = {
    env: {},
    cacheDir: '/nonexistent',
    config: { registries: { 'myregistry.azurecr.io': { anonymous: true } } },
  };
  const provider = createCredentialProvider(options);
  Object.assign(options, { config: { registires: {} } });
  expect(await provider.get('myregistry.azurecr.io')).toBeUndefined();
  await expect(createCredentialProvider(options).get('myregistry.azurecr.io')).rejects.toThrow('registires');
});

test('what is missing, and objects of another realm, are accepted', () => {
  assertProviderOptions({ env: undefined, config: undefined, cacheDir: undefined, log: undefined });
  assertProviderOptions({ env: { ...process.env, UNSET: undefined }, config: Object.create(null), cacheDir: '/x' });
  assertProviderOptions({ env: process.env, config: runInNewContext('({ registries: {} })') });
  assertSignal(undefined);
  assertSignal(AbortSignal.timeout(1));
});
