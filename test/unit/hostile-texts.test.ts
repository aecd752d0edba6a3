/**
 * Texts that are made to keep the program busy. Nothing interrupts a step over one of them, not even the limit of 25
 * seconds, so each must be short whatever the text is.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { requestAccessToken } from '../../src/acr/access-token.ts';
import { exchangeToken } from '../../src/acr/exchange.ts';
import { requestToken } from '../../src/entra/token-endpoint.ts';
import { requestCommandToken } from '../../src/identity/command/command-token.ts';
import { requestCliToken } from '../../src/identity/developer-tools/azure-cli-token.ts';
import { requestDeveloperCliToken } from '../../src/identity/developer-tools/azure-developer-cli-token.ts';
import { requestPowerShellToken } from '../../src/identity/developer-tools/azure-powershell-token.ts';
import { requestPipelinesToken } from '../../src/identity/federated/azure-pipelines-token.ts';
import { requestGithubToken } from '../../src/identity/federated/github-token.ts';
import type { TokenContext } from '../../src/identity/identity.ts';
import { requestAppServiceToken } from '../../src/identity/managed-identity/app-service.ts';
import { requestAzureArcToken } from '../../src/identity/managed-identity/azure-arc.ts';
import { requestAzureMlToken } from '../../src/identity/managed-identity/azure-ml.ts';
import { requestCloudShellToken } from '../../src/identity/managed-identity/cloud-shell.ts';
import { requestImdsToken } from '../../src/identity/managed-identity/imds.ts';
import type { HttpResponse } from '../../src/network/http.ts';
import { createQuote } from '../../src/redact.ts';
import { formatFailure } from '../../src/report.ts';
import { readKeychain } from '../../src/system/keychain.ts';
import { registryNamed } from './registry-named.ts';
import { makeRuntime } from './runtime.ts';
import { useTemporaryFolder } from './temporary-folder.ts';
import { makeToken } from './token.ts';
import { answer, toolsAnswering } from './token-context.ts';

/** Each takes a few hundredths of a second. With a slow pattern, each would take many seconds or minutes. */
const LIMIT_MS = 1_000;
const RESPONSE_LENGTH = 250_000;
const OUTPUT_LENGTH = 1_000_000;

/** What the texts consist of: what the program's own patterns begin with, and what an encoding begins with. */
const UNITS: readonly string[] = [
  '<',
  'a ',
  '"',
  '&#',
  '%2525 &#38;#38; \\\\u0041 ',
  'eyJhbGciOi. ',
  'metadata ',
  'audience ',
];
const OUTPUT_UNITS: readonly string[] = [
  '\n',
  'a ',
  '"',
  '%2525 &#38;#38; \\\\u0041 ',
  'AADSTS',
  `az login${' --a'.repeat(40)} !\n`,
  'azd login --a=b ',
  '{"error":"',
  '\u001B[31m',
];
const REGISTRY = registryNamed('myregistry.azurecr.io');
const RUNTIME = makeRuntime({
  AZURE_CLIENT_SECRET: 'p~8Q /+&="\\é%~xyz',
  SYSTEM_ACCESSTOKEN: makeToken({ sub: 'x'.repeat(4_000) }),
});

const folder = useTemporaryFolder();

function fill(unit: string, length: number): string {
  return unit.repeat(Math.ceil(length / unit.length));
}

/** Measures the time of the processor, since a busy machine may let anything wait. */
async function expectQuick(action: () => Promise<unknown>): Promise<void> {
  const before = process.threadCpuUsage();
  try {
    await action();
  } catch (failure) {
    formatFailure(RUNTIME, failure);
  }
  const { user, system } = process.threadCpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(LIMIT_MS);
}

/** The responses with a text: alone, and in every text that a service uses. */
function listResponses(text: string): HttpResponse[] {
  const quote = createQuote(RUNTIME);
  const headers = Object.fromEntries(
    ['x-ms-request-id', 'client-request-id', 'www-authenticate', 'retry-after', 'date', 'x-vss-e2eid'].map((name) => [
      name,
      `Basic realm=${text.slice(0, 8_000)}`,
    ]),
  );
  const fields = { error_description: text, message: text, correlation_id: text, correlationId: text };
  const flat = { ...fields, error: text, errors: [{ code: text, message: text }] };
  const nested = { ...fields, error: { code: text, message: text, correlationId: text } };
  const token = { access_token: text, expires_on: text, refresh_token: text, value: text, oidcToken: text };
  const rows: readonly (readonly [status: number, body: unknown])[] = [
    [400, text],
    [403, text],
    [401, flat],
    [400, nested],
    [200, token],
  ];
  return rows.map(([status, body]) => ({ ...answer(status, body, headers), quote }));
}

describe('an answer that is made to keep the program busy is dealt with at once by', () => {
  const endpoint = { url: 'http://127.0.0.1:4000/token', variable: 'IDENTITY_ENDPOINT' };
  const chosen = { endpoint, selector: undefined, isChosen: true };
  const rows: readonly (readonly [name: string, ask: (context: TokenContext) => Promise<unknown>])[] = [
    ['IMDS', (context) => requestImdsToken(context, chosen)],
    [
      'the probe for IMDS',
      (context) =>
        requestImdsToken(context, {
          endpoint: { url: 'http://169.254.169.254', variable: undefined },
          selector: undefined,
          isChosen: false,
        }),
    ],
    ['Azure Machine Learning', (context) => requestAzureMlToken(context, chosen)],
    ['App Service', (context) => requestAppServiceToken(context, chosen)],
    ['Cloud Shell', (context) => requestCloudShellToken(context, chosen)],
    ['Azure Arc', (context) => requestAzureArcToken(context, chosen)],
    [
      'Entra ID',
      (context) =>
        requestToken(context, {
          authority: { url: 'https://login.microsoftonline.com', contradiction: undefined },
          tenant: 'the-tenant',
          clientId: 'the-client',
          credential: {},
          actor: 'the client secret',
          assertion: makeToken({ iss: fill('a ', 100_000) }),
        }),
    ],
    [
      'the exchange',
      ({ runtime, http }) => exchangeToken(runtime, http, REGISTRY, makeToken({ upn: fill('<', 100_000) }), undefined),
    ],
    [
      'the access token',
      ({ runtime, http }) => requestAccessToken(runtime, http, REGISTRY, 'the-refresh-token', ['repository:a:pull']),
    ],
    ['GitHub Actions', (context) => requestGithubToken(context, new URL('https://host.example/'), 'the-token')],
    [
      'Azure Pipelines',
      (context) =>
        requestPipelinesToken(context, {
          url: new URL('https://host.example/'),
          accessToken: 'the-token',
          connectionId: 'the-connection',
        }),
    ],
  ];
  for (const [name, ask] of rows) {
    test.each(UNITS)(`${name}: %j`, async (unit) => {
      for (const response of listResponses(fill(unit, RESPONSE_LENGTH))) {
        await expectQuick(() => ask({ ...toolsAnswering(response).context, runtime: RUNTIME }));
      }
    });
  }
});

describe('output that is made to keep the program busy is dealt with at once by', () => {
  const install = (name: string, exitCode: number, stream: 'stdout' | 'stderr') => {
    const redirect = stream === 'stderr' ? '>&2' : '';
    writeFileSync(folder.path(name), `#!/bin/sh\ncat '${folder.path('text')}' ${redirect}\nexit ${exitCode}\n`);
    chmodSync(folder.path(name), 0o700);
  };
  const cli = { account: 'someone', tenant: undefined };
  const rows: readonly (readonly [name: string, program: string, ask: (context: TokenContext) => Promise<unknown>])[] =
    [
      ['the Azure CLI', 'az', (context) => requestCliToken(context, cli)],
      ['the Azure Developer CLI', 'azd', (context) => requestDeveloperCliToken(context, undefined)],
      ['Azure PowerShell', 'pwsh', (context) => requestPowerShellToken(context, cli)],
      ['a command', 'command', (context) => requestCommandToken(context, REGISTRY, { program: 'command', args: [] })],
      [
        'the keychain',
        'docker-credential-pass',
        ({ runtime }) =>
          readKeychain(
            runtime,
            { name: 'pass', file: folder.path('docker-credential-pass') },
            'entry',
            () => undefined,
          ),
      ],
    ];
  for (const [name, program, ask] of rows) {
    test.each(OUTPUT_UNITS)(`${name}: %j`, async (unit) => {
      // Without the last characters, so that the whole output is kept.
      writeFileSync(folder.path('text'), fill(unit, OUTPUT_LENGTH).slice(0, OUTPUT_LENGTH));
      const runtime = { ...RUNTIME, env: { ...RUNTIME.env, PATH: `${folder.path()}:/usr/bin:/bin` } };
      const context = { ...toolsAnswering(answer(200, '')).context, runtime };
      for (const [exitCode, stream] of [
        [1, 'stderr'],
        [1, 'stdout'],
        [0, 'stdout'],
      ] as const) {
        install(program, exitCode, stream);
        await expectQuick(() => ask(context));
      }
    });
  }
});
