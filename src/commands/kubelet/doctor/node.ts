/** What is known of a node: what the person said, or else what its kubelet was started with. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeCause } from '../../../errors.ts';
import { asJsonObject, asText } from '../../../json.ts';
import { createQuote, SECRET_VARIABLES } from '../../../redact.ts';
import { shellWord } from '../../../shell-word.ts';
import { runChild } from '../../../system/child-process.ts';
import { readForeignFile } from '../../../system/files.ts';
import { listNames } from '../../../system/folders.ts';
import type { Runtime } from '../../../system/runtime.ts';
import { type Finding, found } from '../../doctor/check.ts';
import { parseMinor } from '../kubernetes-version.ts';
import { type ProviderFile, readProviderFile } from './provider-file.ts';
import { listKubelets, type RunningKubelet } from './running-kubelet.ts';
import { parseYaml } from './yaml-text.ts';

/** What the person said of the node. */
export interface NodeOptions {
  readonly configPath?: string | undefined;
  readonly binFolder?: string | undefined;
  readonly kubeletConfigFile?: string | undefined;
  /** The minor version of Kubernetes 1. */
  readonly minor?: number | undefined;
  /** Where the system describes its processes. */
  readonly processFolder: string;
}

/** A node. */
export interface KubeletNode {
  readonly kubelet: RunningKubelet | undefined;
  /** The file or folder of `--image-credential-provider-config`. */
  readonly configPath: string | undefined;
  /** The folder of `--image-credential-provider-bin-dir`. */
  readonly binFolder: string | undefined;
  readonly file: ProviderFile | undefined;
  readonly minor: number | undefined;
  /** The gates that are set, by name. */
  readonly gates: ReadonlyMap<string, boolean>;
  /** What plug-ins inherit: the environment of the kubelet, or of this process where that is not known. */
  readonly environment: Readonly<Record<string, string>>;
  /** What was found on the way. */
  readonly findings: readonly Finding[];
}

const CONFIG_FLAG = 'image-credential-provider-config';
const FOLDER_FLAG = 'image-credential-provider-bin-dir';
/** @see https://docs.k3s.io/cli/agent */
const K3S_FOLDER = '/var/lib/rancher/credentialprovider';
const K3S_DEFAULTS: ReadonlyMap<string, string> = new Map([
  [CONFIG_FLAG, `${K3S_FOLDER}/config.yaml`],
  [FOLDER_FLAG, `${K3S_FOLDER}/bin`],
]);
const K3S_CONFIG = '/etc/rancher/k3s/config.yaml';
const VERSION_TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;

/** Finds out what it can. Never throws. */
export async function loadNode(runtime: Runtime, options: NodeOptions): Promise<KubeletNode> {
  const [kubelet] = listKubelets(options.processFolder);
  const findings: Finding[] = [];
  const flags = kubelet === undefined ? new Map<string, string>() : completeFlags(kubelet);
  const configPath = options.configPath ?? asText(flags.get(CONFIG_FLAG));
  const binFolder = options.binFolder ?? asText(flags.get(FOLDER_FLAG));
  findings.push(...judgeFlags(runtime, kubelet, { configPath, binFolder }));
  const kubeletConfigFile = options.kubeletConfigFile ?? asText(flags.get('config'));
  const gates = new Map<string, boolean>();
  for (const file of listConfigFiles(kubeletConfigFile, asText(flags.get('config-dir')))) {
    findings.push(...readGates(runtime, file, gates, file === options.kubeletConfigFile));
  }
  for (const [name, isOn] of parseGates(flags.get('feature-gates') ?? '')) gates.set(name, isOn);
  const minor = options.minor ?? (kubelet === undefined ? undefined : await askVersion(runtime, kubelet));
  const file = configPath === undefined ? undefined : readProviderFile(configPath, createQuote(runtime));
  for (const { env } of file?.providers ?? []) {
    for (const { name, value } of env) if (SECRET_VARIABLES.includes(name)) runtime.secrets.add(value);
  }
  const environment = kubelet?.environment ?? ownEnvironment(runtime);
  for (const name of SECRET_VARIABLES) if (environment[name] !== undefined) runtime.secrets.add(environment[name]);
  return { ...{ kubelet, configPath, binFolder, file, minor, gates, environment }, findings };
}

/** The flags of k3s may stand in its file, and have defaults that count where both exist. */
function completeFlags({ distribution, flags }: RunningKubelet): ReadonlyMap<string, string> {
  if (distribution === 'kubelet') return flags;
  const named = new Map([...readK3sFile(flags.get('config') ?? K3S_CONFIG), ...flags]);
  // That of k3s is no file of a kubelet.
  named.delete('config');
  if (![...K3S_DEFAULTS].every(([name, path]) => existsSync(named.get(name) ?? path))) return named;
  return new Map([...K3S_DEFAULTS, ...named]);
}

function readK3sFile(file: string): readonly (readonly [string, string])[] {
  const settings = asJsonObject(parseYaml(readQuietly(file) ?? '').value) ?? {};
  return [CONFIG_FLAG, FOLDER_FLAG].flatMap((name) => {
    const value = asText(settings[name]);
    return value === undefined ? [] : [[name, value] as const];
  });
}

function judgeFlags(
  { programName }: Runtime,
  kubelet: RunningKubelet | undefined,
  { configPath, binFolder }: Pick<KubeletNode, 'configPath' | 'binFolder'>,
): readonly Finding[] {
  const ask = `${programName} kubelet doctor --config FILE --bin-dir FOLDER`;
  const isNamed = configPath !== undefined && binFolder !== undefined;
  if (kubelet === undefined) {
    const what = 'no kubelet runs here';
    return isNamed
      ? [found('note', `${what}; what is examined is what you named`, { details: { configPath, binFolder } })]
      : [found('problem', `${what}, so it cannot say where its configuration is`, { fix: ask })];
  }
  const { processId, isElsewhere, environment } = kubelet;
  const findings: Finding[] = [];
  const details = { processId, configPath, binFolder, distribution: kubelet.distribution };
  if (!isNamed) {
    const missing = [
      ...(configPath === undefined ? [`--${CONFIG_FLAG}`] : []),
      ...(binFolder === undefined ? [`--${FOLDER_FLAG}`] : []),
    ].join(' and ');
    const what = `the kubelet (process ${processId}) runs without ${missing}, so it asks no plug-in`;
    findings.push(found('problem', what, { fix: explainFlags(kubelet), details }));
  } else {
    const what = `the kubelet (process ${processId}) reads ${configPath}, and runs the programs in ${binFolder}`;
    findings.push(found('ok', what, { details }));
  }
  if (isElsewhere) {
    const what = 'the kubelet runs in another container, so the files that it sees are not those examined here';
    findings.push(found('warning', what, { fix: `nsenter --target ${processId} --mount ${ask}` }));
  }
  if (environment === undefined) {
    const what = "only root may read the kubelet's environment; the one of this shell is examined instead";
    findings.push(found('note', what, { fix: `sudo ${programName} kubelet doctor` }));
  }
  return findings;
}

function explainFlags({ distribution }: RunningKubelet): string {
  return distribution === 'k3s'
    ? `put the configuration into ${K3S_FOLDER}/config.yaml and the program into ${K3S_FOLDER}/bin, then restart k3s`
    : `add --${CONFIG_FLAG}=FILE and --${FOLDER_FLAG}=FOLDER to the kubelet's flags, then restart it`;
}

/** The kubelet's own file, and those of its folder in the order in which they count. */
function listConfigFiles(file: string | undefined, folder: string | undefined): readonly string[] {
  const more = folder === undefined ? [] : listNames(folder).filter((name) => name.endsWith('.conf'));
  return [...(file === undefined ? [] : [file]), ...more.sort().map((name) => join(folder ?? '', name))];
}

function readGates(runtime: Runtime, file: string, gates: Map<string, boolean>, isNamed: boolean): readonly Finding[] {
  let text: string | undefined;
  let reason = 'there is no such file';
  try {
    text = readForeignFile(file, MAX_BYTES);
  } catch (cause) {
    reason = describeCause(cause);
  }
  if (text === undefined) {
    const what = `the gates in ${file} are not known: ${reason}`;
    return [found(isNamed ? 'problem' : 'warning', what, { fix: `sudo ls -l ${shellWord(file)}` })];
  }
  const { value, mistakes } = parseYaml(text);
  const [mistake] = mistakes;
  if (mistake !== undefined) {
    const what = `${file} is not valid YAML: ${createQuote(runtime)(mistake.what, 200)}`;
    return [found('problem', what, { fix: `sed -n ${mistake.line ?? 1}p ${shellWord(file)}` })];
  }
  const settings = asJsonObject(asJsonObject(value)?.['featureGates']) ?? {};
  for (const [name, isOn] of Object.entries(settings)) if (typeof isOn === 'boolean') gates.set(name, isOn);
  return [];
}

type Gate = readonly [name: string, isOn: boolean];

/** Parses gates as a flag has them: `One=true,Other=false`. */
export function parseGates(text: string): readonly Gate[] {
  return text.split(',').flatMap((part): readonly Gate[] => {
    const { name = '', value = '' } = /^\s*(?<name>\w{1,100})=(?<value>\w{1,5})\s*$/.exec(part)?.groups ?? {};
    if (/^(?:true|t|1)$/i.test(value)) return [[name, true] as const];
    return /^(?:false|f|0)$/i.test(value) ? [[name, false] as const] : [];
  });
}

/** Asks the program of the running kubelet. @returns `undefined` when it does not say. */
async function askVersion(runtime: Runtime, { executable }: RunningKubelet): Promise<number | undefined> {
  try {
    const options = { file: executable, args: ['--version'], timeoutMs: VERSION_TIMEOUT_MS };
    const { stdout } = await runChild(runtime, options);
    return parseMinor(stdout.slice(0, 200).split('\n')[0] ?? '');
  } catch {
    return undefined; // the check of the features says that it is not known
  }
}

function ownEnvironment({ env }: Runtime): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function readQuietly(file: string): string | undefined {
  try {
    return readForeignFile(file, MAX_BYTES);
  } catch {
    return undefined;
  }
}
