/** What `help` tells besides the commands. */

import { SOURCES } from '../identity/sources.ts';
import { formatColumns } from '../terminal/table.ts';
import type { Style } from '../terminal/terminal.ts';

/** A text of `help` that belongs to no single command. */
export interface Topic {
  readonly name: string;
  /** One line for the list of topics. */
  readonly summary: string;
  /** The heading of the text. */
  readonly title: string;
  /** What it tells, in two columns. */
  readonly list: (platform: NodeJS.Platform) => readonly (readonly [term: string, meaning: string])[];
}

const VARIABLES: readonly (readonly [names: string, meaning: string])[] = [
  ['DOCKER_CREDENTIAL_ACR_CONFIG', 'the configuration file'],
  ['DOCKER_CREDENTIAL_ACR_CACHE_DIR', 'the folder of the token cache'],
  ['DOCKER_CREDENTIAL_ACR_DATA_DIR', 'the folder of stored logins and accounts'],
  ['DOCKER_CREDENTIAL_ACR_LOG', 'a file, or stderr: log each step, never a secret'],
  ['DOCKER_CREDENTIAL_ACR_AUDIENCE', 'set for the program of a "command" identity'],
  ['DOCKER_CREDENTIAL_ACR_REGISTRY', 'set for the program of a "command" identity'],
  ['AZURE_TOKEN_CREDENTIALS', 'which identities may be tried: dev, prod or one by name'],
  ['AZURE_AUTHORITY_HOST, AZURE_CONFIG_DIR', 'as in other tools'],
  ['HTTPS_PROXY, NO_PROXY', 'as in other tools'],
  ['NODE_EXTRA_CA_CERTS', 'a PEM file with additional certificates'],
  ['SSL_CERT_FILE, SSL_CERT_DIR', "where the system's certificates are"],
  ['DOCKER_CONFIG, REGISTRY_AUTH_FILE', 'where docker and podman have their configuration'],
  ['HELM_REGISTRY_CONFIG', 'where helm has its own'],
  ['BROWSER', 'the program that "login" opens its page with, instead of the system\'s'],
  ['VISUAL, EDITOR', 'the program of "config edit"'],
  ['NO_COLOR', 'no colours, if it is not empty'],
];

const EXIT_CODES: readonly (readonly [code: string, meaning: string])[] = [
  ['0', 'it worked'],
  ['1', 'it failed, or what was examined does not work; get, store, erase and list fail only with this code'],
  ['2', 'the arguments are wrong, or a question could not be asked without a terminal'],
  ['130', 'you cancelled it'],
];

const CLIENT_FILES: readonly (readonly [file: string, meaning: string])[] = [
  ['~/.docker/config.json', 'the registries that docker sends here; "configure" changes it'],
];

/** The folders where no variable names others. */
const FILES: Readonly<Record<'linux' | 'darwin' | 'win32', readonly (readonly [file: string, meaning: string])[]>> = {
  linux: listFiles(
    '~/.config/docker-credential-acr',
    '~/.cache/docker-credential-acr',
    '~/.local/share/docker-credential-acr',
    '/',
  ),
  darwin: listFiles(
    '~/Library/Preferences/docker-credential-acr',
    '~/Library/Caches/docker-credential-acr',
    '~/Library/Application Support/docker-credential-acr',
    '/',
  ),
  win32: listFiles(
    '%APPDATA%\\docker-credential-acr\\Config',
    '%LOCALAPPDATA%\\docker-credential-acr\\Cache',
    '%LOCALAPPDATA%\\docker-credential-acr\\Data',
    '\\',
  ),
};

function listFiles(config: string, cache: string, data: string, separator: string) {
  return [
    [`${config}${separator}config.json`, 'the configuration; it need not exist'],
    [cache, 'tokens until they expire, locks and notes about this machine'],
    [data, 'stored logins and accounts, with their secrets if no keychain works'],
    ...CLIENT_FILES,
  ] as const;
}

/** The topics, in the order in which `--help` lists them. */
export const TOPICS: readonly Topic[] = [
  {
    name: 'identities',
    summary: 'which identities are tried, and in which order',
    title: 'Identities, in the order in which they are tried:',
    list: () => SOURCES.map(({ name, summary }) => [name, summary] as const),
  },
  { name: 'environment', summary: 'the environment variables', title: 'Environment:', list: () => VARIABLES },
  {
    name: 'files',
    summary: 'where the configuration, tokens and logins are',
    title: 'Files:',
    list: (platform) => (platform === 'darwin' || platform === 'win32' ? FILES[platform] : FILES.linux),
  },
  { name: 'exit-codes', summary: 'what the exit codes mean', title: 'Exit codes:', list: () => EXIT_CODES },
];

/** Formats a topic for a terminal. */
export function formatTopic({ title, list }: Topic, platform: NodeJS.Platform, style: Style): string {
  return `${style('bold', title)}\n${formatColumns(list(platform).map(([term, meaning]) => [`  ${term}`, meaning]))}`;
}
