/** Lets clients use this program for registries, and takes that back. */

import { type Config, loadConfig } from '../../config/config.ts';
import { CredentialError } from '../../errors.ts';
import { helperNameOf } from '../../helper-name.ts';
import { createQuote, type Quote } from '../../redact.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import { Cancelled, EXIT, type ExitCode, UsageError } from '../../terminal/failure.ts';
import { withProgress } from '../../terminal/progress.ts';
import { chooseSeveral, confirm } from '../../terminal/prompts.ts';
import type { CommandContext } from '../command.ts';
import { type ClientFile, type ClientName, listClientFiles, readClientConfig } from './client-config.ts';
import { chooseFilesToAddTo, chooseFilesToRemoveFrom } from './client-files.ts';
import type { HelperEntry } from './config-text.ts';
import { applyEdits, type FileEdit, planEdits, type Wish } from './edit-files.ts';
import {
  createReporter,
  describeEdit,
  formatDiffs,
  formatFacts,
  nameHosts,
  type Reporter,
  reportFailures,
} from './edit-report.ts';
import { checkProgram, describeSudo, findSnapDocker, type ProgramCheck } from './program-check.ts';
import { describeShadow, findShadows, isAuthOf, readEditedConfigs, type Shadow } from './shadows.ts';
import { readHostsToRemove, readTargetHosts } from './target-hosts.ts';

/** The options that both commands have. */
export interface EditOptions {
  readonly docker?: boolean | undefined;
  readonly podman?: boolean | undefined;
  readonly helm?: boolean | undefined;
  readonly all?: boolean | undefined;
  readonly yes?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** The options of `configure`. */
export interface ConfigureOptions extends EditOptions {
  readonly force?: boolean | undefined;
  readonly clearAuths?: boolean | undefined;
}

type Context = Pick<CommandContext, 'runtime' | 'terminal' | 'log'>;

const CLIENTS: readonly ClientName[] = ['docker', 'podman', 'helm'];

/** Names this program in the files of clients. @throws CredentialError, UsageError, Cancelled */
export async function configureClients(
  context: Context,
  options: ConfigureOptions,
  words: readonly string[],
): Promise<ExitCode> {
  const { runtime, terminal } = context;
  const quote = createQuote(runtime);
  const reporter = createReporter(terminal, quote, options.json === true);
  const clients = readClients(options);
  assertNoWordsWithAll(options, words);
  const files = chooseFilesToAddTo(runtime, clients);
  assertFiles(runtime, files, clients);
  const targets = await chooseTargets(context, options, words, files, quote);
  for (const { host, typed } of targets) if (host !== typed) reporter.note(`clients know "${typed}" as ${host}`);
  const hosts = targets.map(({ host }) => host);
  const isClearedAuth = (key: string) => hosts.some((host) => isAuthOf(key, host));
  const edits = await edit(context, options, files, {
    kind: 'add',
    hosts,
    helper: helperNameOf(runtime),
    isForced: options.force === true,
    isClearedAuth: options.clearAuths === true ? isClearedAuth : undefined,
  });
  const shadows = findShadows(runtime, hosts, helperNameOf(runtime), edits);
  const program = await checkProgram(runtime);
  if (options.json === true) writeJson(context, options, edits, { shadows: shadows.map(quoteShadow(quote)), program });
  else if (!isPlan(options, edits)) terminal.write(formatConfigured(edits, hosts, quote));
  const hasFailed = reportFailures(edits, reporter);
  reportSurroundings(runtime, reporter, edits, shadows, program);
  return hasFailed ? EXIT.failed : EXIT.ok;
}

/** Removes this program from the files of clients. @throws CredentialError, UsageError, Cancelled */
export async function unconfigureClients(
  context: Context,
  options: EditOptions,
  words: readonly string[],
): Promise<ExitCode> {
  const { runtime, terminal } = context;
  const quote = createQuote(runtime);
  const reporter = createReporter(terminal, quote, options.json === true);
  assertNoWordsWithAll(options, words);
  const config = await loadConfig(runtime);
  const helper = helperNameOf(runtime);
  const clients = readClients(options);
  assertFiles(runtime, listClientFiles(runtime), clients);
  const files = chooseFilesToRemoveFrom(runtime, clients);
  const configured = listConfigured(files, helper);
  const hosts = await chooseHostsToRemove(context, options, words, configured, config);
  const edits = await edit(context, options, files, {
    kind: 'remove',
    hosts,
    helper,
    isForced: false,
    isClearedAuth: undefined,
  });
  if (options.json === true) writeJson(context, options, edits, {});
  else if (!isPlan(options, edits)) terminal.write(formatUnconfigured(edits, words, quote));
  const sudo = describeSudo(runtime);
  if (sudo !== undefined) reporter.note(sudo);
  return reportFailures(edits, reporter) ? EXIT.failed : EXIT.ok;
}

/** Shows what changes, asks, and changes it. @returns what was done; with `--dry-run`, what would be done. */
async function edit(
  { runtime, terminal }: Context,
  options: EditOptions,
  files: readonly ClientFile[],
  wish: Wish,
): Promise<readonly FileEdit[]> {
  const quote = createQuote(runtime);
  const plan = await planEdits(runtime, files, wish);
  const hasChanges = plan.some(({ before, after }) => before !== after);
  if (options.dryRun === true && options.json !== true) terminal.write(formatDiffs(plan, terminal.style, quote));
  if (options.dryRun === true || !hasChanges) return plan;
  if (options.yes !== true) {
    if (terminal.canAsk) terminal.writeError(formatDiffs(plan, terminal.errorStyle, quote));
    const isNoFirst = plan.some(({ clearedAuths }) => clearedAuths.length > 0);
    const question = { message: formatQuestion(plan, quote), option: '--yes', isNoFirst };
    if (!(await confirm(terminal, question))) throw new Cancelled();
  }
  return await applyEdits(runtime, files, wish);
}

/** Whether the edits were shown as a difference, and not made. */
function isPlan({ dryRun }: EditOptions, edits: readonly FileEdit[]): boolean {
  return dryRun === true && edits.some(({ before, after }) => before !== after);
}

function formatQuestion(plan: readonly FileEdit[], quote: Quote): string {
  const keys = new Set(plan.flatMap(({ clearedAuths }) => clearedAuths));
  if (keys.size === 0) return 'Write this?';
  return `Write this, and remove the password of ${[...keys].map((key) => quote(key)).join(', ')} for good?`;
}

async function chooseTargets(
  context: Context,
  options: ConfigureOptions,
  words: readonly string[],
  files: readonly ClientFile[],
  quote: Quote,
) {
  const { runtime, terminal } = context;
  if (words.length > 0) return readTargetHosts(await loadConfig(runtime), words, options.force === true, quote);
  if (options.all !== true && !terminal.canAsk) {
    throw new UsageError('There is no registry to configure', {
      hint: `name one, as in: ${runtime.programName} configure myregistry.azurecr.io; or add --all for all that your account can see`,
    });
  }
  const { findAzureRegistries } = await import('../registries/find-registries.ts');
  const found = await withProgress(terminal, 'Looking for registries in Azure', findAzureRegistries(context));
  if (found.length === 0) {
    throw new CredentialError('CLIENT_CONFIG_FAILED', 'Cannot offer a registry: your account can see none in Azure', {
      hint: `name one: ${runtime.programName} configure myregistry.azurecr.io`,
    });
  }
  const configured = listConfigured(files, helperNameOf(runtime));
  const chosen =
    options.all === true
      ? found.map(({ loginServer }) => loginServer)
      : await chooseSeveral(
          terminal,
          { message: 'Which registries?', option: '--all' },
          found.map(({ loginServer, resourceGroup, subscription, location }) => ({
            value: loginServer,
            label: configured.includes(loginServer) ? `${loginServer} (configured)` : loginServer,
            hint: `${resourceGroup}, ${subscription}, ${location}`,
          })),
        );
  return chosen.map((host) => ({ host, typed: host }));
}

async function chooseHostsToRemove(
  { terminal }: Context,
  options: EditOptions,
  words: readonly string[],
  configured: readonly string[],
  config: Config,
): Promise<readonly string[]> {
  if (words.length === 0) {
    if (options.all === true || configured.length === 0) return configured;
    const choices = configured.map((host) => ({ value: host, label: host }));
    return await chooseSeveral(terminal, { message: 'Which registries?', option: 'a registry, or --all' }, choices);
  }
  const wanted = readHostsToRemove(config, words);
  // Somebody may have written a key in a form that no client looks for.
  const isWanted = (key: string) =>
    readHostsToRemove(config, [key]).some(({ host }) => wanted.some((one) => one.host === host));
  // A file that could not be read here is read once more, and then reports its problem.
  return [...new Set([...wanted.map(({ host }) => host), ...configured.filter(isWanted)])];
}

/** The keys that name the helper in any of the files. */
function listConfigured(files: readonly ClientFile[], helper: string): readonly string[] {
  const keys = files.flatMap((file) => [...readClientConfig(file).credHelpers]);
  return [...new Set(keys.filter(([, name]) => name === helper).map(([key]) => key))].toSorted();
}

function reportSurroundings(
  runtime: Runtime,
  reporter: Reporter,
  edits: readonly FileEdit[],
  shadows: readonly Shadow[],
  { state, problem, fix }: ProgramCheck,
): void {
  for (const shadow of shadows) {
    const isTold = edits.some(({ file, refused }) => file === shadow.file && refused.some(isOf(shadow)));
    if (!isTold || shadow.kind === 'auths') reporter.warning(describeShadow(shadow), shadow.fix);
  }
  for (const { file, after } of edits) {
    if (after?.startsWith('\uFEFF') !== true) continue;
    reporter.warning(`${file} begins with a byte-order mark, which docker and podman do not accept`);
  }
  for (const { client, file, credsStore, credHelpers } of readEditedConfigs(runtime, edits)) {
    if (credsStore === undefined || credHelpers.size === 0 || client === 'podman') continue;
    reporter.note(
      `"credsStore": "${credsStore}" in ${file} stays: it serves the registries that credHelpers does not name`,
    );
  }
  const snap = findSnapDocker(runtime);
  if (snap !== undefined) reporter.warning(`${snap} comes from a snap, which cannot start credential helpers`);
  if (problem !== undefined) {
    if (state === 'found') reporter.note(fix === undefined ? problem : `${problem}; to change that: ${fix}`);
    else reporter.warning(problem, fix);
  }
  const sudo = describeSudo(runtime);
  if (sudo !== undefined) reporter.note(sudo);
}

function isOf({ host }: Shadow): (entry: HelperEntry) => boolean {
  return (entry) => entry.host === host;
}

function formatConfigured(edits: readonly FileEdit[], hosts: readonly string[], quote: Quote): string {
  const lines = edits.flatMap((one) => {
    const facts = formatFacts(one, quote);
    const isSame = facts.length === 0 && one.problem === undefined && one.refused.length === 0;
    return isSame
      ? [`Already configured: ${nameHosts(hosts)} in ${quote(one.file)} (${one.clients.join(', ')})`]
      : facts;
  });
  return lines.map((line) => `${line}\n`).join('');
}

function formatUnconfigured(edits: readonly FileEdit[], words: readonly string[], quote: Quote): string {
  const lines = edits.flatMap((one) => formatFacts(one, quote));
  if (lines.length === 0 && edits.every(({ problem }) => problem === undefined)) {
    const what = words.length === 0 ? 'a registry' : nameHosts(words.map((word) => quote(word, 100)));
    return `Nothing to remove: no client's file names this program for ${what}\n`;
  }
  return lines.map((line) => `${line}\n`).join('');
}

function writeJson(
  { runtime, terminal }: Context,
  options: EditOptions,
  edits: readonly FileEdit[],
  more: object,
): void {
  const isDryRun = options.dryRun === true;
  const quote = createQuote(runtime);
  const facts = {
    helper: helperNameOf(runtime),
    dryRun: isDryRun,
    files: edits.map((one) => describeEdit(one, isDryRun, quote)),
    ...more,
  };
  terminal.write(`${JSON.stringify(facts, undefined, 2)}\n`);
}

function quoteShadow(quote: Quote): (shadow: Shadow) => object {
  return ({ file, key, ...shadow }) => ({
    ...shadow,
    ...(file === undefined ? {} : { file: quote(file) }),
    ...(key === undefined ? {} : { key: quote(key) }),
  });
}

function readClients(options: EditOptions): readonly ClientName[] {
  return CLIENTS.filter((client) => options[client] === true);
}

function assertNoWordsWithAll({ all }: EditOptions, words: readonly string[]): void {
  if (all === true && words.length > 0) {
    throw new UsageError('--all and the name of a registry exclude each other', { hint: 'leave out one of them' });
  }
}

/** @throws CLIENT_CONFIG_FAILED when the file of a wanted client has no place. */
function assertFiles(runtime: Runtime, files: readonly ClientFile[], clients: readonly ClientName[]): void {
  const variables = { docker: 'DOCKER_CONFIG', podman: 'REGISTRY_AUTH_FILE', helm: 'HELM_REGISTRY_CONFIG' };
  const wanted: readonly ClientName[] = clients.length === 0 ? ['docker'] : clients;
  const lost = wanted.find((client) => files.every((file) => file.client !== client));
  if (lost === undefined) return;
  const isNamed = readVariable(runtime, variables[lost]) !== undefined;
  const [why, hint] = isNamed
    ? [`${variables[lost]} is not an absolute path`, `set ${variables[lost]} to an absolute path`]
    : ['there is no home folder', `set HOME or ${variables[lost]}`];
  throw new CredentialError('CLIENT_CONFIG_FAILED', `Cannot find the configuration of ${lost}: ${why}`, { hint });
}
