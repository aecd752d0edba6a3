/**
 * What a shell offers for an argument, by its name in a command's definition: `host`, `hosts`, `host/repository` and
 * `repository` begin with a registry, `account` is one that is signed in, `cloud` is one of Azure's, `words` are commands
 * and topics, and `file` is a file. An argument with choices offers them; one of another name, such as `name`, offers nothing.
 */

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { listStoredAccounts } from '../../accounts/account-index.ts';
import { listNamedRegistries } from '../../config/named-registries.ts';
import { listHelperNames } from '../../helper-name.ts';
import { listServers } from '../../logins/server-list.ts';
import { parseHost } from '../../registry.ts';
import type { Runtime } from '../../system/runtime.ts';
import { readClientConfigs } from '../clients/client-config.ts';
import { TOPICS } from '../topics.ts';

/** A text that the shell may insert. */
export interface Candidate {
  readonly value: string;
  /** What zsh, fish and PowerShell show beside it; may be empty. */
  readonly description: string;
}

/** What is known when the candidates of an argument are wanted. */
export interface CandidateRequest {
  readonly runtime: Runtime;
  readonly program: CommandUnknownOpts;
  /** The arguments of the command before this one. */
  readonly operands: readonly string[];
}

/** Lists candidates. They need not be filtered by what is typed. */
type ListCandidates = (request: CandidateRequest) => Promise<readonly Candidate[]>;

/** The candidates by the name of an argument, or of an option's value. */
export const CANDIDATES: ReadonlyMap<string, ListCandidates> = new Map([
  ['host', listHosts],
  ['hosts', listHosts],
  ['host/repository', listHosts],
  ['repository', listHosts],
  ['account', listAccounts],
  ['cloud', listClouds],
  ['words', listHelpWords],
]);

/** The name of arguments for which the shell offers files. */
export const FILE_ARGUMENT = 'file';

/** Lists the registries that are configured or signed in to, without the network and without a secret. */
async function listHosts({ runtime }: CandidateRequest): Promise<readonly Candidate[]> {
  const names = listHelperNames(runtime);
  const hosts = new Map<string, string>();
  const add = (host: string | undefined, description: string) => {
    if (host !== undefined && !hosts.has(host)) hosts.set(host, description);
  };
  for (const config of readClientConfigs(runtime)) {
    for (const [server, name] of config.credHelpers) {
      if (names.includes(name)) add(parseHost(server), `registry of ${config.client}`);
    }
  }
  for (const host of await listNamedRegistries(runtime)) add(host, 'registry of the configuration');
  for (const server of (await listServers(runtime)).keys()) add(server, 'signed in');
  return [...hosts].map(([value, description]) => ({ value, description }));
}

/** Lists the accounts that are signed in. */
async function listAccounts({ runtime }: CandidateRequest): Promise<readonly Candidate[]> {
  return listStoredAccounts(runtime).map(({ username }) => ({ value: username, description: 'an account' }));
}

/** Lists the clouds that `login` knows. */
async function listClouds(): Promise<readonly Candidate[]> {
  const { CLOUD_NAMES } = await import('../login/target.ts');
  return CLOUD_NAMES.map((value) => ({ value, description: 'a cloud' }));
}

/** Lists what `help` can explain next. */
async function listHelpWords({ program, operands }: CandidateRequest): Promise<readonly Candidate[]> {
  let command: CommandUnknownOpts | undefined = program;
  for (const word of operands) command = command?.commands.find((one) => one.name() === word);
  if (command === undefined) return [];
  const topics = operands.length > 0 ? [] : TOPICS.map(({ name, summary }) => ({ value: name, description: summary }));
  return [...listSubcommands(command), ...topics];
}

/** Lists the commands below a command that its help lists too. */
export function listSubcommands(command: CommandUnknownOpts): readonly Candidate[] {
  const visible = command.createHelp().visibleCommands(command);
  return visible.map((one) => ({ value: one.name(), description: one.summary() }));
}
