/** The configuration in any file: settings, or the one error that names the file. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, loadConfig } from '../../src/config/config.ts';
import { DEFAULT_SETTINGS, ON_ERROR_CHOICES, SECRET_KINDS } from '../../src/config/registry-settings.ts';
import { REGISTRY } from '../unit/config/config-of.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { ask, CUSTOM, HOST, TEMPLATES, VALUES } from './configurations.ts';
import { mutated, mutatedJsonText } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';
import { SERVER_URLS } from './server-urls.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'docker-credential-acr-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function expectOnlyConfigErrors(config: Config, file: string, serverUrl: string): void {
  const registry = ask(file, () => config.findRegistry(serverUrl));
  for (const one of [registry ?? REGISTRY, REGISTRY]) {
    const settings = ask(file, () => config.settingsOf(one));
    ask(file, () => config.loginSettingsOf(one, one.service));
    ask(file, () => config.loginUseOf(one, one.service));
    if (settings === undefined) continue;
    expect(Object.keys(settings).toSorted()).toEqual(Object.keys(DEFAULT_SETTINGS).toSorted());
    expect(SECRET_KINDS).toContain(settings.secret);
    expect(ON_ERROR_CHOICES).toContain(settings.onError);
    expect(settings.scope.length > 0).toBe(settings.secret === 'access-token');
    expect(settings.minimumLifeSeconds === 0 || Number.isInteger(settings.minimumLifeSeconds / 60)).toBe(true);
    expect([settings.anonymous, settings.store, settings.cacheEntraTokens].map((one) => typeof one)).toEqual([
      ...['boolean', 'boolean', 'boolean'],
    ]);
  }
  ask(file, () => config.loginSettingsOf(undefined, serverUrl));
  // A mistake in our file does not break the servers of others.
  config.loginUseOf(undefined, serverUrl);
}

describe('any file', () => {
  it('gives settings, or the error that names it, and never another one', async () => {
    const texts = fc.oneof(
      fc.constantFrom(...TEMPLATES).chain((template) => mutatedJsonText(template, VALUES)),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    const urls = fc.oneof(fc.constantFrom(HOST, CUSTOM, 'registry.example.com:5000'), SERVER_URLS);
    await fc.assert(
      fc.asyncProperty(texts, urls, async (text, serverUrl) => {
        const file = join(folder, 'config.json');
        writeFileSync(file, text, 'latin1');
        const config = await loadConfig(makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: file }));
        expectOnlyConfigErrors(config, file, serverUrl);
      }),
      RUN_OPTIONS,
    );
  });

  it('that is no JSON is not quoted', async () => {
    await fc.assert(
      fc.asyncProperty(
        mutated(fc.constant('{"clientSecret":"hidden-secret-value"'), ['}', '"', ',', '\n']),
        async (text) => {
          const file = join(folder, 'config.json');
          writeFileSync(file, text);
          const config = await loadConfig(makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: file }));
          try {
            config.settingsOf(REGISTRY);
          } catch (cause) {
            expect(String(cause)).not.toMatch(/hidden|secret-value/);
          }
        },
      ),
      RUN_OPTIONS,
    );
  });
});
