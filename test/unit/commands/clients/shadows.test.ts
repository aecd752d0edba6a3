import { describe, expect, test } from 'vitest';
import { findShadows, isAuthOf } from '../../../../src/commands/clients/shadows.ts';
import { DOCKER, HELM, PODMAN, useClientMachine } from './client-machine.ts';

const machine = useClientMachine();
const HOST = 'myregistry.azurecr.io';

test.each([
  [HOST, true],
  [`https://${HOST}`, true],
  [`http://${HOST}/`, true],
  [`https://${HOST}/v1/`, true],
  [`${HOST}:443`, true],
  ['MyRegistry.azurecr.io', true],
  [`${HOST}.`, true],
  [`${HOST}/team/app`, true],
  [`${HOST}:5000`, false],
  [`${HOST}.example.com`, false],
  [`x${HOST}`, false],
  [`https://example.com/${HOST}`, false],
  ['', false],
  ['https://', false],
])('a login of "%s" is about the registry: %s', (key, expected) => {
  expect(isAuthOf(key, HOST)).toBe(expected);
});

describe('a shadow is', () => {
  const shadowsOf = (env: Readonly<Record<string, string>> = {}) =>
    findShadows(machine.runtime(env), [HOST], 'acr', []).map(({ kind, file, key, effect, fix }) => {
      return [kind, file?.slice(machine.path().length + 1), key, effect, fix];
    });
  const auth = (...keys: readonly string[]) => `"auths":{${keys.map((key) => `"${key}":{"auth":"eA=="}`).join(',')}}`;
  const clear = `docker-credential-acr configure ${HOST} --clear-auths`;

  test('nothing where there is only a marker, or the login of another', () => {
    machine.write(DOCKER, `{"auths":{"${HOST}":{}, "other.azurecr.io":{"auth":"eA=="}}}`);
    expect(shadowsOf()).toEqual([]);
  });

  test('a password in the file of docker, podman or helm', () => {
    machine.write(DOCKER, `{${auth(`https://${HOST}`)},"credHelpers":{"${HOST}":"acr"}}`);
    machine.write(PODMAN, `{${auth(HOST)}}`);
    machine.write(HELM, `{${auth(`${HOST}:443`)}}`);
    expect(shadowsOf()).toEqual([
      ['auths', DOCKER, `https://${HOST}`, 'some clients use it first, others where a sign-in fails', clear],
      ['auths', PODMAN, HOST, 'podman, skopeo and buildah use it and not the helper', clear],
      ['auths', HELM, `${HOST}:443`, 'helm uses it and not the helper', clear],
    ]);
  });

  test('another helper', () => {
    machine.write(PODMAN, `{"credHelpers":{"${HOST}":"acr-env"}}`);
    const fix = `docker-credential-acr configure ${HOST} --force`;
    expect(shadowsOf()).toEqual([
      ['credHelpers', PODMAN, HOST, 'podman, skopeo and buildah use the helper "acr-env"', fix],
    ]);
  });

  test('a password in DOCKER_AUTH_CONFIG', () => {
    const effect = 'docker uses it and not the helper';
    const fix = 'unset DOCKER_AUTH_CONFIG';
    const found = shadowsOf({ DOCKER_AUTH_CONFIG: `{${auth(HOST, 'other')}}` });
    expect(found).toEqual([['DOCKER_AUTH_CONFIG', undefined, HOST, effect, fix]]);
    expect(shadowsOf({ DOCKER_AUTH_CONFIG: 'not JSON' })).toEqual([]);
  });

  test('the file of REGISTRY_AUTH_FILE that does not name the helper', () => {
    const file = machine.write('mine.json', '{}');
    const fix = `docker-credential-acr configure ${HOST} --podman`;
    expect(shadowsOf({ REGISTRY_AUTH_FILE: file })).toMatchObject([
      ['REGISTRY_AUTH_FILE', 'mine.json', undefined, {}, fix],
    ]);
    machine.write('mine.json', `{"credHelpers":{"${HOST}":"acr"}}`);
    expect(shadowsOf({ REGISTRY_AUTH_FILE: file })).toEqual([]);
    expect(shadowsOf({ REGISTRY_AUTH_FILE: 'relative.json' })[0]?.[4]).toBe('unset REGISTRY_AUTH_FILE');
  });
});
