/** `login`: signs a person in, and proves it with the registry's token. */

import type { Command } from '@commander-js/extra-typings';
import type { Account } from '../accounts/account.ts';
import { isTenant } from '../entra/authority.ts';
import { CredentialError } from '../errors.ts';
import { isGuid } from '../field.ts';
import { helperNameOf } from '../helper-name.ts';
import { createQuote } from '../redact.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { withProgress } from '../terminal/progress.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { ClientConfig } from './clients/client-config.ts';
import { type CommandContext, defineCommand, GROUPS } from './command.ts';
import type { Browser } from './login/browser.ts';
import type { DeviceCode } from './login/device-code.ts';
import type { Person } from './login/person.ts';
import type { PersonRequest } from './login/person-request.ts';
import type { Proof } from './login/proof.ts';
import type { Target } from './login/target.ts';
import { assertServer } from './registry-argument.ts';

/** The options, as the parser reads them. */
interface Options {
  readonly tenant?: string | undefined;
  readonly cloud?: string | undefined;
  readonly clientId?: string | undefined;
  readonly username?: string | undefined;
  readonly browser?: true | undefined;
  readonly deviceCode?: true | undefined;
  readonly json?: true | undefined;
}

/** How the person signs in. */
type Method = { readonly name: 'browser'; readonly browser: Browser | undefined } | { readonly name: 'device-code' };

/** How the sign-in went. */
interface Outcome {
  readonly target: Target;
  readonly method: Method['name'];
  readonly person: Person;
  readonly warnings: readonly string[];
}

const CANCELS = '(Ctrl-C cancels)';

/** The command `login`. */
export const LOGIN = defineCommand({
  name: 'login',
  group: GROUPS.setUp,
  summary: 'sign in with your own account, without the Azure CLI',
  details: [
    'Opens the browser. Where there is none, as over SSH or in a container, it shows a code to type on any other device.',
    '',
    'The sign-in is kept in the keychain, or in a file that only you can read, and lasts until "logout". With a registry, login ends with a test: it gets a token, which the next pull uses.',
  ].join('\n'),
  examples: [
    ['login myregistry.azurecr.io', 'sign in, and get a token for the registry'],
    ['login myregistry.azurecr.io --device-code', 'sign in with a browser on another device'],
    ['login myregistry.azurecr.io --tenant contoso.com', 'sign in to a tenant that you are a guest of'],
  ],
  define: (command: Command) =>
    command
      .argument('[host]', 'the registry, such as myregistry.azurecr.io')
      .option('--tenant <tenant>', 'the tenant, by id or domain')
      .option('--cloud <cloud>', 'the cloud, where no registry is named: public, us-government, china …')
      .option('--client-id <id>', 'an application of your own')
      .option('--username <name>', 'the account to suggest')
      .option('--browser', 'use the browser of this machine in any case')
      .option('--device-code', 'show a code instead of opening the browser')
      .option('--json', 'print the result as JSON'),
  run: async ({ runtime, terminal, log }, options: Options, host) => {
    const target = await readTarget(runtime, options, host);
    const method = await chooseMethod(runtime, terminal, options);
    const request: PersonRequest = { ...target, runtime, log };
    const { person, warning } = await signIn({ runtime, terminal, log }, target, request, method);
    const warnings = [...(warning === undefined ? [] : [warning]), ...target.notes];
    const outcome = { target, method: method.name, person, warnings };
    for (const one of warnings) terminal.writeError(`${terminal.errorStyle('yellow', 'warning:')} ${one}\n`);
    let proof: Proof | undefined;
    try {
      proof = await prove({ runtime, terminal, log }, outcome);
    } catch (failure) {
      report(runtime, terminal, options, outcome, undefined);
      throw failure;
    }
    report(runtime, terminal, options, outcome, proof);
    if (target.registry !== undefined && options.json === undefined) {
      terminal.writeError(`${await describeNext(runtime, target.registry.registry.host)}\n`);
    }
    return EXIT.ok;
  },
});

/** @throws UsageError when the arguments do not name a place to sign in. */
async function readTarget(runtime: Runtime, options: Options, host: string | undefined): Promise<Target> {
  const { cloud, tenant, clientId, username } = options;
  const { CLOUD_NAMES, findTarget } = await import('./login/target.ts');
  const quote = createQuote(runtime);
  if (options.browser && options.deviceCode) {
    throw new UsageError('--browser and --device-code exclude each other', { hint: 'choose one of them' });
  }
  if (cloud !== undefined && host !== undefined) {
    throw new UsageError('--cloud is for a sign-in without a registry: the name of a registry says its cloud', {
      hint: 'leave out one of them',
    });
  }
  if (cloud !== undefined && !CLOUD_NAMES.includes(cloud.toLowerCase())) {
    throw new UsageError(`There is no cloud "${quote(cloud, 60)}"`, { hint: `it is one of ${CLOUD_NAMES.join(', ')}` });
  }
  if (clientId !== undefined && !isGuid(clientId)) {
    throw new UsageError(`"${quote(clientId, 60)}" is not the id of an application`, {
      hint: 'it looks like 11111111-2222-3333-4444-555555555555',
    });
  }
  if (tenant !== undefined && !isTenant(tenant)) {
    throw new UsageError(`"${quote(tenant, 60)}" is not a tenant`, { hint: 'use its id or a domain of it' });
  }
  if (host !== undefined) assertServer(runtime, host);
  let target: Target | undefined;
  try {
    target = await findTarget(runtime, { host, cloud: cloud?.toLowerCase(), tenant, clientId, username });
  } catch (failure) {
    throw explainFailure(failure, `Cannot sign in${host === undefined ? '' : ` for ${quote(host, 100)}`}`);
  }
  if (target !== undefined) return target;
  const isName = /^[0-9a-z]{5,50}$/i.test(host ?? '');
  throw new UsageError(`"${quote(host ?? '', 100)}" is not a registry of Azure Container Registry`, {
    hint: isName
      ? `name its login server: ${runtime.programName} login ${shellWord(`${host}.azurecr.io`)}`
      : `name a login server such as myregistry.azurecr.io; for another registry: docker login ${shellWord(host ?? '')}`,
  });
}

async function chooseMethod(runtime: Runtime, terminal: Terminal, options: Options): Promise<Method> {
  if (options.deviceCode) return { name: 'device-code' };
  const { explainNoBrowser, findBrowser, readSurroundings } = await import('./login/browser.ts');
  const surroundings = readSurroundings();
  const reason = options.browser ? undefined : explainNoBrowser(runtime, surroundings);
  if (reason === undefined) return { name: 'browser', browser: findBrowser(runtime, surroundings) };
  terminal.writeError(`No browser can be opened: ${reason}. (--browser tries it in any case.)\n`);
  return { name: 'device-code' };
}

type Place = Pick<CommandContext, 'runtime' | 'terminal' | 'log'>;

/** Signs in, and stores the sign-in. @returns the person, and a warning about how it is stored. */
async function signIn(
  { runtime, terminal, log }: Place,
  target: Target,
  request: PersonRequest,
  method: Method,
): Promise<{ readonly person: Person; readonly warning: string | undefined }> {
  const { signInWithBrowser, signInWithDeviceCode } = await import('./login/sign-in-person.ts');
  const { saveAccount } = await import('../accounts/account.ts');
  let warning: string | undefined;
  const save = async (person: Person) => {
    warning = await saveAccount({ runtime, log }, createAccount(target, person), person.refreshToken);
  };
  try {
    if (method.name === 'browser') {
      const person = await signInWithBrowser(request, {
        open: await createOpener(runtime, terminal, method.browser),
        wait: (work) => withProgress(terminal, `Waiting for the browser ${CANCELS}`, work),
        save,
      });
      return { person, warning };
    }
    const person = await signInWithDeviceCode(request, {
      show: (code) => showCode(terminal, code),
      wait: (work) => withProgress(terminal, `Waiting for you to sign in ${CANCELS}`, work),
    });
    await save(person);
    return { person, warning };
  } catch (failure) {
    throw explainFailure(failure, `Cannot sign in${forRegistry(target)}`);
  }
}

function createAccount({ registry, authority, clientId }: Target, person: Person): Account {
  const { id, username, tenantId, familyId } = person;
  const registries = registry === undefined ? [] : [registry.registry.service];
  return { id, username, tenantId, authority: authority.url, clientId, familyId, registries };
}

async function createOpener(
  runtime: Runtime,
  terminal: Terminal,
  browser: Browser | undefined,
): Promise<(url: string) => void> {
  const { openBrowser } = await import('./login/browser.ts');
  return (url) => {
    const what =
      browser === undefined
        ? 'Open this page in the browser of this machine:'
        : 'The browser opens. If it does not, open this page yourself:';
    terminal.writeError(`${what}\n\n  ${url}\n\n`);
    if (browser === undefined) return;
    openBrowser(runtime, browser, url, (reason) => {
      const said = createQuote(runtime)(reason, 200);
      terminal.writeError(`${terminal.errorStyle('yellow', 'warning:')} the browser did not open: ${said}\n`);
    });
  };
}

function showCode(terminal: Terminal, { userCode, verificationUrl }: DeviceCode): void {
  const [page, code] = [verificationUrl, userCode].map((text) => terminal.errorStyle('bold', text));
  terminal.writeError(`Open this page on any device, and type the code:\n\n  ${page}\n  ${code}\n\n`);
}

/** Gets the registry's token. @returns `undefined` where no registry was named. */
async function prove({ runtime, terminal, log }: Place, { target, person }: Outcome): Promise<Proof | undefined> {
  if (target.registry === undefined) return undefined;
  const { proveSignIn } = await import('./login/proof.ts');
  const { host } = target.registry.registry;
  const work = proveSignIn(runtime, target.registry, person.id, log);
  try {
    return await withProgress(terminal, `Getting a token of ${host}`, work);
  } catch (failure) {
    throw explainFailure(failure, `The sign-in is saved, but ${person.username} gets no token of ${host}`);
  }
}

/** An error about a setting or about storing already says what cannot be done. */
function explainFailure(failure: unknown, what: string): unknown {
  if (!(failure instanceof CredentialError)) return failure;
  if (['CONFIG_INVALID', 'STORE_REFUSED'].includes(failure.code)) return failure;
  return failure.with({ message: `${what}: ${failure.message}` });
}

function forRegistry({ registry }: Target): string {
  return registry === undefined ? '' : ` for ${registry.registry.host}`;
}

/** Writes the result, whether the proof worked or not. */
function report(
  runtime: Runtime,
  terminal: Terminal,
  { json }: Options,
  { target, method, person, warnings }: Outcome,
  proof: Proof | undefined,
): void {
  const host = target.registry?.registry.host;
  const { id, username, tenantId } = person;
  const expiresAtMs = proof?.expiresAtSeconds === undefined ? undefined : proof.expiresAtSeconds * 1000;
  if (json) {
    const result = {
      ...{ account: id, username, tenantId, authority: target.authority.url, clientId: target.clientId, method },
      registry: host ?? null,
      hasToken: proof !== undefined,
      expiresAt: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
      warnings,
    };
    terminal.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return;
  }
  const who = `Signed in as ${username} (tenant ${tenantId}).`;
  if (host === undefined || proof === undefined) {
    terminal.write(`${who}\n`);
    return;
  }
  const until = expiresAtMs === undefined ? '' : `, valid until ${formatTime(expiresAtMs)}; it is renewed by itself`;
  terminal.write(`${who}\nGot a token of ${createQuote(runtime)(host)}${until}.\n`);
}

/** The time of day on this machine. A registry's token lives for three hours. */
function formatTime(timeMs: number): string {
  const date = new Date(timeMs);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** What the person can do now. */
async function describeNext(runtime: Runtime, host: string): Promise<string> {
  const { readClientConfigs } = await import('./clients/client-config.ts');
  const helper = helperNameOf(runtime);
  const uses = ({ credHelpers, credsStore }: ClientConfig) => (credHelpers.get(host) ?? credsStore) === helper;
  const client = readClientConfigs(runtime).find(uses)?.client;
  if (client === undefined) {
    return `next: no client uses this helper for ${host} yet; run: ${runtime.programName} configure ${shellWord(host)}`;
  }
  return client === 'helm' ? `next: helm pull oci://${host}/CHART` : `next: ${client} pull ${host}/IMAGE`;
}
