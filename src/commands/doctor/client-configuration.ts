/** The clients: whether docker, podman and helm ask this program for the registry, and what comes before it. */

import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { HELPER_PREFIX, listHelperNames } from '../../helper-name.ts';
import { asJsonObject, parseJsonObject } from '../../json.ts';
import { createQuote, type Quote } from '../../redact.ts';
import { parseHost, parseRegistry, type Registry } from '../../registry.ts';
import { shellWord } from '../../shell-word.ts';
import { findExecutable } from '../../system/child-process.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import { type ClientConfig, type ClientName, readClientConfigs } from '../clients/client-config.ts';
import { type Check, type DoctorContext, type Finding, found, type Status } from './check.ts';

/** The programs that read the files of a client. */
const PROGRAMS: Readonly<Record<ClientName, readonly string[]>> = {
  docker: ['docker'],
  podman: ['podman', 'skopeo', 'buildah'],
  helm: ['helm'],
};
/** More lines than this say no more. */
const MAX_LINES = 10;

/** The check of the clients' configuration. */
export const CLIENT_CONFIGURATION: Check = {
  name: 'client-configuration',
  title: 'Reading the configuration of docker, podman and helm',
  needsRegistry: false,
  run: async (context) => checkClients(context),
};

/** What the texts and the comparisons need. */
interface Subject {
  readonly runtime: Runtime;
  readonly quote: Quote;
  /** As the person typed it, which is how a client looks it up. */
  readonly host: string;
  readonly registry: Registry;
  /** The names of this program in `credHelpers`. */
  readonly helpers: readonly string[];
}

/** What a client does for the registry. */
interface ClientVerdict {
  readonly client: ClientName;
  readonly isWired: boolean;
  readonly findings: readonly Finding[];
}

function checkClients({ runtime, visit, target, names }: DoctorContext): readonly Finding[] {
  const configs = readClientConfigs(runtime);
  const quote = createQuote(runtime);
  const helpers = listHelperNames(runtime);
  for (const { credHelpers, auths } of configs) {
    for (const key of [...credHelpers.keys(), ...auths]) {
      names.add(parseRegistry(key) === undefined ? 'HOST' : 'REGISTRY', parseHost(key) ?? key);
    }
  }
  if (target === undefined) return listWired(configs, { quote, helpers, runtime });
  if (visit === undefined) return [found('skipped', 'not a registry of Azure')];
  const subject: Subject = { runtime, quote, host: target.host, registry: visit.registry, helpers };
  const configure = fixOf(subject);
  const findings = [...judgeName(subject), ...judgeVariable(subject)];
  const clients = (['docker', 'podman', 'helm'] as const).filter((client) => isInUse(runtime, client, configs));
  if (clients.length === 0) {
    const what = `no client is configured: docker, podman and helm do not know about ${subject.registry.host}`;
    return [...findings, found('problem', what, { fix: configure })];
  }
  const verdicts = clients.map((client) => judgeClient(subject, client, configs));
  const isAnyWired = verdicts.some(({ isWired }) => isWired);
  for (const { isWired, findings: own } of verdicts) {
    // A client that nobody uses for this registry does no harm where another one works.
    const isMild = !isWired && isAnyWired;
    findings.push(
      ...own.map((one) => (isMild && one.status === 'problem' ? { ...one, status: 'warning' as const } : one)),
    );
  }
  return findings;
}

/** Without a registry: a line for each one that a client sends here. */
function listWired(
  configs: readonly ClientConfig[],
  { quote, helpers, runtime }: Pick<Subject, 'quote' | 'helpers' | 'runtime'>,
): readonly Finding[] {
  const findings: Finding[] = configs.flatMap((config) => judgeFile(config, quote));
  const wired = new Map<string, Set<ClientName>>();
  for (const { client, credHelpers } of configs) {
    for (const [key, helper] of credHelpers) {
      if (helpers.includes(helper)) wired.set(key, (wired.get(key) ?? new Set()).add(client));
    }
  }
  for (const [key, clients] of [...wired].slice(0, MAX_LINES)) {
    const names = [...clients].join(', ');
    const registry = parseRegistry(key);
    if (key.includes('//') || key !== key.toLowerCase()) {
      const what = `"${quote(key, 100)}" of "credHelpers" (${names}) is never found: clients look for the bare host in lower case`;
      const fix =
        registry === undefined ? 'remove the entry' : `${runtime.programName} configure ${shellWord(registry.host)}`;
      findings.push(found('warning', what, { fix }));
    } else findings.push(found('ok', `${quote(key, 100)}: ${names}`, { details: { host: quote(key, 100) } }));
  }
  if (wired.size > MAX_LINES) findings.push(found('note', `and ${wired.size - MAX_LINES} more registries`));
  const store = configs.find(({ credsStore }) => credsStore !== undefined && helpers.includes(credsStore));
  if (store !== undefined) findings.push(describeStore(store, quote));
  else if (wired.size === 0) {
    const fix = `${runtime.programName} configure REGISTRY`;
    findings.push(found('note', 'no client sends a registry here', { fix }));
  }
  return findings;
}

/** A client compares names letter by letter, and so do the keys of `credHelpers`. */
function judgeName({ quote, host, registry }: Subject): readonly Finding[] {
  const isUpper = host !== host.toLowerCase();
  const isOther = host.toLowerCase() !== registry.host;
  if (!isUpper && !isOther) return [];
  const why = isUpper ? 'has upper-case letters' : 'is not the bare host';
  const what = `${quote(host, 100)} ${why}: clients look for exactly this name, and find no entry of ${registry.host}`;
  return [found('problem', what, { fix: `use ${registry.host} in the names of images` })];
}

/** docker, compose and buildx ask this variable first, and testcontainers take it for the whole file. */
function judgeVariable({ runtime, host, registry, quote }: Subject): readonly Finding[] {
  const value = readVariable(runtime, 'DOCKER_AUTH_CONFIG');
  if (value === undefined) return [];
  const config = parseJsonObject(value);
  const fix = 'unset DOCKER_AUTH_CONFIG';
  if (config === undefined) {
    return [found('warning', 'DOCKER_AUTH_CONFIG is set, and is no JSON object: clients may fail', { fix })];
  }
  const key = Object.keys(asJsonObject(config['auths']) ?? {}).find((one) => isNameOf(one, host, registry));
  return key === undefined
    ? [found('note', `DOCKER_AUTH_CONFIG is set, with nothing for ${registry.host}`)]
    : [
        found('problem', `DOCKER_AUTH_CONFIG holds a credential for ${quote(key, 100)}, which docker uses instead`, {
          fix,
        }),
      ];
}

function isInUse(runtime: Runtime, client: ClientName, configs: readonly ClientConfig[]): boolean {
  const hasFile = configs.some((config) => config.client === client && config.state !== 'missing');
  return hasFile || PROGRAMS[client].some((program) => findExecutable(runtime, program) !== undefined);
}

/** The files of a client in the order in which it reads them. podman and helm also read docker's. */
function listFilesOf(client: ClientName, configs: readonly ClientConfig[]): readonly ClientConfig[] {
  const own = configs.filter((config) => config.client === client);
  const isAlone = client === 'docker' || own.some(({ namedBy }) => namedBy === 'REGISTRY_AUTH_FILE');
  return isAlone ? own : [...own, ...configs.filter((config) => config.client === 'docker')];
}

function judgeClient(subject: Subject, client: ClientName, configs: readonly ClientConfig[]): ClientVerdict {
  const files = listFilesOf(client, configs);
  const { quote, registry } = subject;
  const broken = files.flatMap((config) => judgeFile(config, quote, client));
  if (broken.length > 0) return { client, isWired: false, findings: broken };
  for (const config of files) {
    const verdict = judgeEntry(subject, client, config);
    if (verdict !== undefined) return { client, ...verdict };
  }
  const near = files.flatMap((config) => findNearKeys(subject, config));
  const [file] = files;
  const place = file === undefined ? '' : ` (${quote(file.file)})`;
  const why =
    near[0] === undefined
      ? `${client} does not ask this program for ${registry.host}${place}`
      : `${client} has an entry for ${quote(near[0], 100)}, which is not exactly ${registry.host}: it is not found`;
  return { client, isWired: false, findings: [found('problem', why, { fix: fixOf(subject) })] };
}

/** What one file says about the registry. @returns `undefined` when it says nothing, so that the next file decides. */
function judgeEntry(
  subject: Subject,
  client: ClientName,
  config: ClientConfig,
): Omit<ClientVerdict, 'client'> | undefined {
  const { quote, registry, helpers } = subject;
  const { host } = registry;
  const file = quote(config.file);
  const helper = config.credHelpers.get(host);
  const auth = config.auths.find((one) => isNameOf(one, host, registry));
  if (helper !== undefined && helpers.includes(helper)) {
    const isWired = found('ok', `${client} asks this program for ${host} (${file})`, { details: { client, file } });
    return { isWired: true, findings: [isWired, ...describeOldAuth(subject, config, auth)] };
  }
  if (helper !== undefined) {
    const whom = helper === '' ? 'no helper' : `${HELPER_PREFIX}${quote(helper, 60)}`;
    const what = `${client} asks ${whom} for ${host} (${file})`;
    return { isWired: false, findings: [found('problem', what, { fix: fixOf(subject) })] };
  }
  // podman has no `credsStore`.
  const store = client === 'podman' ? undefined : config.credsStore;
  if (store !== undefined && helpers.includes(store)) {
    return { isWired: true, findings: [describeStore(config, quote), ...describeOldAuth(subject, config, auth)] };
  }
  if (auth !== undefined && store === undefined) {
    const what = `${client} uses the credential for ${quote(auth, 100)} in ${file}, and does not ask this program`;
    const fix = `${logoutOf(client, host)}; ${fixOf(subject)}`;
    return { isWired: false, findings: [found('problem', what, { fix, details: { client, file } })] };
  }
  if (store === undefined || client === 'helm') return undefined;
  const what = `${client} asks ${HELPER_PREFIX}${quote(store, 60)} for ${host}: "credsStore" of ${file}`;
  return { isWired: false, findings: [found('problem', what, { fix: fixOf(subject) })] };
}

/** A credential beside the entry of the helper: most clients ask the helper first, some do not. */
function describeOldAuth(
  { quote, registry: { host } }: Subject,
  { client, file }: ClientConfig,
  auth: string | undefined,
): readonly Finding[] {
  if (auth === undefined) return [];
  const what = `${quote(file)} also holds a credential for ${quote(auth, 100)}, which nerdctl, Gradle and others use first`;
  return [found('warning', what, { fix: logoutOf(client, host) })];
}

function describeStore({ client, file }: ClientConfig, quote: Quote): Finding {
  const what = `${client} asks this program for every registry ("credsStore" of ${quote(file)}); podman does not`;
  return found('note', `${what}; "credHelpers" with one entry a registry is better`);
}

/** Says why a file cannot be used. */
function judgeFile(config: ClientConfig, quote: Quote, client: ClientName = config.client): readonly Finding[] {
  const file = quote(config.file);
  if (config.state === 'unreadable') {
    const what = `${client} cannot use ${file}: ${quote(config.problem ?? 'it cannot be read')}`;
    return [found('problem', what, { fix: `ls -l ${shellWord(config.file)}` })];
  }
  if (config.state === 'read' && client === 'podman' && isEmpty(config.file)) {
    return [found('problem', `${file} is empty, for which podman fails`, { fix: `rm ${shellWord(config.file)}` })];
  }
  const ignored = [...config.credHelpers.keys()].filter((key) => client === 'podman' && key.includes('//'));
  if (ignored[0] === undefined || config.client !== client) return [];
  const what = `"${quote(ignored[0], 100)}" of "credHelpers" in ${file} has a scheme, which podman does not accept`;
  const status: Status = 'warning';
  return [found(status, what, { fix: 'remove the scheme' })];
}

/** The keys that mean the registry, or its other endpoint, and are not its bare host. */
function findNearKeys({ registry, helpers }: Subject, { credHelpers }: ClientConfig): readonly string[] {
  return [...credHelpers].flatMap(([key, helper]) => {
    const other = parseRegistry(key);
    const isNear = parseHost(key) === registry.host || other?.service === registry.service;
    return isNear && helpers.includes(helper) ? [key] : [];
  });
}

/** Whether a key of `auths` means the registry: clients write it in several forms. */
function isNameOf(key: string, host: string, registry: Registry): boolean {
  return key === host || parseHost(key) === registry.host;
}

function fixOf({ runtime, registry }: Subject): string {
  return `${runtime.programName} configure ${shellWord(registry.host)}`;
}

function logoutOf(client: ClientName, host: string): string {
  return `${client === 'helm' ? 'helm registry' : client} logout ${shellWord(host)}`;
}

function isEmpty(file: string): boolean {
  try {
    return statSync(file).size === 0 && basename(file) !== '';
  } catch {
    return false;
  }
}
