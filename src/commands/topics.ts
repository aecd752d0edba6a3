/** What `help` tells besides the commands. */

import { SOURCES } from '../identity/sources.ts';
import { formatColumns } from '../terminal/table.ts';

/** A text of `help` that belongs to no single command. */
export interface Topic {
  readonly name: string;
  /** One line for the list of topics. */
  readonly summary: string;
  readonly format: () => string;
}

const VARIABLES: readonly (readonly [names: string, meaning: string])[] = [
  ['DOCKER_CREDENTIAL_ACR_CONFIG', 'the configuration file'],
  ['DOCKER_CREDENTIAL_ACR_CACHE_DIR', 'the folder of the token cache'],
  ['DOCKER_CREDENTIAL_ACR_DATA_DIR', 'the folder of logins, where no keychain works'],
  ['DOCKER_CREDENTIAL_ACR_LOG', 'a file, or stderr: log each step, never a secret'],
  ['DOCKER_CREDENTIAL_ACR_AUDIENCE', 'set for the program of a "command" identity'],
  ['DOCKER_CREDENTIAL_ACR_REGISTRY', 'set for the program of a "command" identity'],
  ['AZURE_TOKEN_CREDENTIALS', 'which identities may be tried: dev, prod or one by name'],
  ['AZURE_AUTHORITY_HOST, AZURE_CONFIG_DIR', 'as in other tools'],
  ['HTTPS_PROXY, NO_PROXY', 'as in other tools'],
  ['NODE_EXTRA_CA_CERTS', 'a PEM file with additional certificates'],
  ['SSL_CERT_FILE, SSL_CERT_DIR', "where the system's certificates are"],
  ['BROWSER', 'the program that "login" opens its page with, instead of the system\'s'],
  ['NO_COLOR', 'no colours, whatever its value is'],
];

const EXIT_CODES: readonly (readonly [code: string, meaning: string])[] = [
  ['0', 'it worked'],
  ['1', 'it failed, or what was examined does not work; a verb of the protocol has no other failure'],
  ['2', 'the arguments are wrong, or a question could not be asked without a terminal'],
  ['130', 'you cancelled it'],
];

/** The topics, in the order in which `--help` lists them. */
export const TOPICS: readonly Topic[] = [
  {
    name: 'identities',
    summary: 'which identities are tried, and in which order',
    format: () =>
      `Identities, in the order in which they are tried:\n${indent(SOURCES.map(({ name, summary }) => [name, summary]))}`,
  },
  { name: 'environment', summary: 'the environment variables', format: () => `Environment:\n${indent(VARIABLES)}` },
  { name: 'exit-codes', summary: 'what the exit codes mean', format: () => `Exit codes:\n${indent(EXIT_CODES)}` },
];

function indent(rows: readonly (readonly string[])[]): string {
  return formatColumns(rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]));
}
