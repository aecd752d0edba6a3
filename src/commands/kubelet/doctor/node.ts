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
import { AKS_PLACES, K3S_PLACES, type KubeletPlaces } from '../kubelet-places.ts';
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
  /** The folder in which `proc`, `etc` and `var` are: `/`. */
  readonly systemFolder: string;
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
  /** Whether the person named the configuration or the folder, which need not be those of the kubelet. */
  readonly isNamed: boolean;
  /** What was found on the way. */
  readonly findings: readonly Finding[];
}

const CONFIG_FLAG = 'image-credential-provider-config';
const FOLDER_FLAG = 'image-credential-provider-bin-dir';
/** @see https://docs.k3s.io/cli/agent */
const K3S_CONFIG = '/etc/rancher/k3s/config.yaml';
const VERSION_TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;

/** Finds out what it can. Never throws. */
export async function loadNode(runtime: Runtime, options: NodeOptions): Promise<KubeletNode> {
  const { systemFolder } = options;
  const isNamed = options.configPath !== undefined || options.binFolder !== undefined;
  const kubelets = listKubelets(join(systemFolder, 'proc'));
  // One in another container, as on a machine for development, has nothing to do with files of this one.
  const [kubelet] = kubelets.filter(({ isElsewhere }) => !isNamed || !isElsewhere);
  const findings: Finding[] = [];
  const flags = kubelet === undefined ? new Map<string, string>() : completeFlags(kubelet, systemFolder);
  // A kubelet that does not start, perhaps for a mistake in its configuration, cannot tell where that is.
  const place = kubelet === undefined && !isNamed ? findPlace(systemFolder) : undefined;
  const configPath = options.configPath ?? asText(flags.get(CONFIG_FLAG)) ?? place?.configPath;
  const binFolder = options.binFolder ?? asText(flags.get(FOLDER_FLAG)) ?? place?.binFolder;
  findings.push(...judgeFlags(runtime, kubelet, { configPath, binFolder, isNamed }));
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
  return { ...{ kubelet, configPath, binFolder, file, minor, gates, environment, isNamed }, findings };
}

/** Finds a configuration where installers put it. */
function findPlace(systemFolder: string): KubeletPlaces | undefined {
  return [AKS_PLACES, K3S_PLACES]
    .map(({ configPath, binFolder }) => ({
      configPath: join(systemFolder, configPath),
      binFolder: join(systemFolder, binFolder),
    }))
    .find(({ configPath }) => existsSync(configPath));
}

/** The flags of k3s may stand in its file, and have defaults that count where both exist. */
function completeFlags({ distribution, flags }: RunningKubelet, systemFolder: string): ReadonlyMap<string, string> {
  if (distribution === 'kubelet') return flags;
  const named = new Map([...readK3sFile(flags.get('config') ?? join(systemFolder, K3S_CONFIG)), ...flags]);
  // That of k3s is no file of a kubelet.
  named.delete('config');
  const all = new Map([
    [CONFIG_FLAG, join(systemFolder, K3S_PLACES.configPath)],
    [FOLDER_FLAG, join(systemFolder, K3S_PLACES.binFolder)],
    ...named,
  ]);
  return [CONFIG_FLAG, FOLDER_FLAG].every((name) => existsSync(all.get(name) ?? '')) ? all : named;
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
  { configPath, binFolder, isNamed }: Pick<KubeletNode, 'configPath' | 'binFolder' | 'isNamed'>,
): readonly Finding[] {
  const ask = `${programName} kubelet doctor --config FILE --bin-dir FOLDER`;
  const isComplete = configPath !== undefined && binFolder !== undefined;
  const details = { configPath, binFolder, processId: kubelet?.processId, distribution: kubelet?.distribution };
  if (kubelet === undefined) {
    if (!isComplete)
      return [found('problem', 'no kubelet runs here, so it cannot say where its configuration is', { fix: ask })];
    const what = isNamed ? 'what is examined is what you named' : `what is examined is ${configPath} and ${binFolder}`;
    const fix = isNamed ? undefined : 'journalctl -u kubelet -n 50';
    return [found(isNamed ? 'note' : 'warning', `no kubelet runs here; ${what}`, { fix, details })];
  }
  const { processId, isElsewhere, environment } = kubelet;
  const findings: Finding[] = [];
  if (!isComplete) {
    const missing = [
      ...(configPath === undefined ? [`--${CONFIG_FLAG}`] : []),
      ...(binFolder === undefined ? [`--${FOLDER_FLAG}`] : []),
    ].join(' and ');
    const what = `the kubelet (process ${processId}) runs without ${missing}, so it asks no plug-in`;
    findings.push(found('problem', what, { fix: explainFlags(kubelet), details }));
  } else if (isNamed) {
    const what = `the kubelet (process ${processId}) may read something else: what is examined is what you named`;
    findings.push(found('note', what, { details }));
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
    ? `put the configuration into ${K3S_PLACES.configPath} and the program into ${K3S_PLACES.binFolder}, then restart k3s`
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
