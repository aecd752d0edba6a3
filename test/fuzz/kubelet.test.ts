/** What a kubelet gets for any request and any arguments: one strict response, or one line. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { asJsonObject, asText, parseJsonObject } from '../../src/json.ts';
import { parseArguments } from '../../src/kubelet/arguments.ts';
import { lastResortPattern, registryOf } from '../../src/kubelet/image.ts';
import { findMirror, parseMirrors } from '../../src/kubelet/mirror.ts';
import { measureCacheSeconds } from '../../src/kubelet/response.ts';
import { ANNOTATIONS } from '../../src/kubelet/service-account.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { makeStreams } from '../unit/streams.ts';
import { ANY_JSON, mutated, mutatedJsonText } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';
import { SERVER_URLS } from './server-urls.ts';

const VERSION = 'credentialprovider.kubelet.k8s.io/v1';
const CLIENT = '11111111-2222-4333-8444-555555555555';
const SECRET = 'a-secret-of-the-service-account';
const TOKEN = [
  '{"alg":"none"}',
  JSON.stringify({ iss: 'https://oidc.test/', sub: 'system:serviceaccount:a:b', aud: 'x' }),
]
  .map((part) => Buffer.from(part).toString('base64url'))
  .concat(SECRET)
  .join('.');
const REQUEST = {
  kind: 'CredentialProviderRequest',
  apiVersion: VERSION,
  image: 'docker.io/library/nginx',
  serviceAccountToken: TOKEN,
  serviceAccountAnnotations: Object.fromEntries(ANNOTATIONS.map((key) => [key, CLIENT])),
};

describe('the plug-in', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'docker-credential-acr-fuzz-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const texts = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));
  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array).toString('utf8'));
  const images = fc.oneof(SERVER_URLS, texts, fc.constantFrom('', '/', 'evil.test/my.azurecr.io/b', '__proto__'));
  const requests = fc.oneof(
    { weight: 4, arbitrary: mutatedJsonText(REQUEST, fc.oneof(ANY_JSON, images, texts)) },
    { weight: 4, arbitrary: images.map((image) => JSON.stringify({ ...REQUEST, image })) },
    { weight: 1, arbitrary: fc.oneof(bytes, texts) },
  );
  const words = [
    ...['/etc/kubernetes/azure.json', 'azure.json', '--renew', '-v=2', '--v', '5', '-r', '--', '-', ''],
    ...[
      '--registry-mirror=docker.io:my.azurecr.io',
      '--registry-mirror',
      'a:5000:b.azurecr.io,c:d',
      '--registry-mirror=',
    ],
    ...['--ib-sni-name=a.b', '--ib-apiserver-ip=::1', `--ib-default-client-id=${CLIENT}`, '--ib-ca-file=/ca'],
  ];
  const args = fc.array(
    fc.oneof(fc.constantFrom(...words), mutated(fc.constantFrom(...words), ['-', '=', ':', ',']), texts),
    {
      maxLength: 4,
    },
  );
  /** The first argument of a kubelet is no word; a word is a command of a person. */
  const isCall = ([first = '-']: readonly string[]) =>
    !/^[a-z]+$/.test(first) && !/^-(?:h|-help|-version)$/.test(first);

  it('ends with 0 and one strict response, or with 1 and one line, whatever it gets', async () => {
    await fc.assert(
      fc.asyncProperty(args.filter(isCall), requests, async (given, input) => {
        // Without an identity that would be asked over the network, and where nobody listens.
        const env = {
          HOME: folder,
          PATH: '',
          AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential',
          HTTPS_PROXY: 'http://127.0.0.1:9',
        };
        const config = { DOCKER_CREDENTIAL_ACR_CACHE_DIR: join(folder, 'cache') };
        const { exitCode, stdout, stderr } = await run(
          ['kubelet', ...given],
          makeStreams(input),
          makeRuntime({ ...env, ...config, NO_PROXY: '' }),
        );
        expect(`${stdout}${stderr}`).not.toContain(SECRET);
        expect(stderr).not.toContain('internal error');
        if (exitCode === 1) {
          expect(stdout).toBe('');
          expect(stderr).toMatch(/^docker-credential-acr: error: Cannot [^\p{Cc}]+\n$/u);
          expect(stderr.length).toBeLessThan(3_000);
          return;
        }
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
        if (given.includes('--renew')) expect(stdout).toBe('');
        else expectStrict(stdout, input);
      }),
      { ...RUN_OPTIONS, examples: [[[], JSON.stringify(REQUEST)]] },
    );
  });
});

/** Expects a response that a kubelet takes, for the image of the request. */
function expectStrict(stdout: string, input: string): void {
  expect(stdout).toMatch(/^\{[^\n]+\}\n$/);
  const { kind, apiVersion, cacheKeyType, cacheDuration, auth, ...others } = parseJsonObject(stdout) ?? {};
  expect(others).toEqual({});
  expect(kind).toBe('CredentialProviderResponse');
  const request = parseJsonObject(input);
  expect(apiVersion).toBe(request?.['apiVersion']);
  expect(['Registry', 'Image']).toContain(cacheKeyType);
  expect(cacheDuration).toMatch(/^\d+s$/);
  const registry = registryOf(asText(request?.['image']) ?? '');
  for (const key of Object.keys(asJsonObject(auth) ?? {}))
    expect([registry, lastResortPattern(registry)]).toContain(key);
}

describe('an image', () => {
  const registries = fc.oneof(SERVER_URLS, fc.string(), fc.domain());

  it('has its last resort behind its registry, where patterns are tried in descending order', () => {
    fc.assert(
      fc.property(registries, (registry) => {
        const pattern = lastResortPattern(registry);
        if (pattern === undefined) expect(registry).not.toContain('.');
        else expect([registry, pattern].toSorted().toReversed()[0]).toBe(registry);
      }),
      RUN_OPTIONS,
    );
  });

  it('has a mirror only if its name begins with a source, up to a slash', () => {
    const hosts = fc.domain();
    fc.assert(
      fc.property(hosts, fc.option(fc.nat({ max: 65535 })), hosts, fc.string(), (source, port, target, rest) => {
        const place = port === null ? source : `${source}:${port}`;
        const [mirror] = parseMirrors(`${place}:${target}`);
        expect(mirror).toEqual({ source: place, target });
        if (mirror === undefined) return;
        expect(findMirror([mirror], `${place}/${rest}`)).toBe(mirror);
        expect(findMirror([mirror], `x${place}/${rest}`)).toBeUndefined();
        if (!rest.startsWith('/') && rest !== '') expect(findMirror([mirror], `${place}${rest}`)).toBeUndefined();
      }),
      RUN_OPTIONS,
    );
  });
});

it('arguments are read, or rejected in one line', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `--registry-mirror=${text}`),
        ),
      ),
      (args) => {
        try {
          const { azureJson, mirrors } = parseArguments(args);
          if (azureJson !== undefined) expect(azureJson.startsWith('/')).toBe(true);
          for (const { source, target } of mirrors) expect(`${source}${target}`).not.toMatch(/[\s@?#,]/);
        } catch (failure) {
          expect(failure).toMatchObject({ code: 'CONFIG_INVALID' });
        }
      },
    ),
    RUN_OPTIONS,
  );
});

it('a token is never kept into its last five minutes, nor beyond its configured minimum', () => {
  const seconds = fc.integer({ min: -100_000, max: 100_000 });
  fc.assert(
    fc.property(seconds, seconds, fc.nat({ max: 100_000 }), (life, age, minimum) => {
      const times = { savedAtSeconds: -age, expiresAtSeconds: life - age };
      const kept = measureCacheSeconds(times, 0, minimum);
      expect(kept).toBeGreaterThanOrEqual(0);
      if (kept > 0) expect(life - age - kept).toBeGreaterThanOrEqual(300);
      if (kept > 60) expect(life - age - kept).toBeGreaterThanOrEqual(Math.min(minimum, (life * 5) / 6) - 1e-6);
    }),
    RUN_OPTIONS,
  );
});
