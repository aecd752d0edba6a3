/** Says what was installed, and what is left to do for the kubelet to use it. */

import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { Style } from '../../terminal/terminal.ts';
import { VERSION } from '../../version.ts';
import type { InstallResult } from './install.ts';
import { K3S_FOLDER, K3S_PLACES } from './kubelet-places.ts';
import { checkFlags, type NodeKubelet } from './node-kubelet.ts';
import type { UninstallResult } from './uninstall.ts';

const MAX_PATH = 4096;

/** Formats what an installation did, one line for each place. */
export function formatInstall(runtime: Runtime, { changed, kept, sha256, program }: InstallResult): string {
  const quote = createQuote(runtime);
  if (changed.length === 0) return `Nothing to do: ${PROGRAM} ${VERSION} is installed in ${quote(program, MAX_PATH)}\n`;
  return [
    `Installed ${PROGRAM} ${VERSION} (SHA-256 ${sha256})`,
    ...changed.map((path) => `  ${quote(path, MAX_PATH)}`),
    ...(kept.length === 0 ? [] : ['What was there before is kept:']),
    ...kept.map((path) => `  ${quote(path, MAX_PATH)}`),
    '',
  ].join('\n');
}

/** Formats what became of each place. */
export function formatUninstall(runtime: Runtime, result: UninstallResult | undefined): string {
  if (result === undefined) return 'Nothing to do: nothing is installed there\n';
  const words = {
    restored: 'as it was before',
    removed: 'removed',
    edited: 'without the providers of this program; other changes stay',
    left: 'stays: somebody has replaced it since',
  };
  const lines = result.places.map(
    ({ path, outcome }) => `  ${createQuote(runtime)(path, MAX_PATH)}: ${words[outcome]}\n`,
  );
  return `Uninstalled ${PROGRAM}\n${lines.join('')}`;
}

/** What stands between the installation and its use. */
export interface NextSteps {
  /** Flags that the kubelet lacks. */
  readonly missingFlags: readonly string[];
  /** Whether the kubelet runs with the configuration from before. */
  readonly needsRestart: boolean;
}

/**
 * Compares a running kubelet with an installation.
 * @param configChangedAtSeconds when the configuration was last changed; `undefined` when there is none.
 */
export function findNextSteps(
  kubelet: NodeKubelet,
  { binFolder, configPath }: { readonly binFolder: string; readonly configPath: string | undefined },
  configChangedAtSeconds: number | undefined,
): NextSteps {
  const { startedAtSeconds, isBuiltIn } = kubelet;
  const needsRestart =
    configChangedAtSeconds !== undefined && startedAtSeconds !== undefined && startedAtSeconds < configChangedAtSeconds;
  const isK3sPlace =
    isBuiltIn && binFolder === K3S_PLACES.binFolder && (configPath ?? '').startsWith(`${K3S_FOLDER}/config.`);
  return { missingFlags: isK3sPlace ? [] : checkFlags(kubelet, binFolder, configPath).missing, needsRestart };
}

/**
 * Whether to restart the kubelet for a person who wants it: with flags that name other files, it would find nothing new.
 * @param isChanged whether this run has changed a file, which counts where the kubelet cannot be seen.
 */
export function mayRestart(
  kubelet: NodeKubelet | undefined,
  { missingFlags, needsRestart }: NextSteps,
  isChanged: boolean,
): boolean {
  return kubelet === undefined ? isChanged : needsRestart && missingFlags.length === 0;
}

/** Formats which flags a kubelet needs that cannot be seen; an empty text where k3s and rke2 look by themselves. */
export function formatFlags(style: Style, binFolder: string, configPath: string): string {
  if (binFolder === K3S_PLACES.binFolder && configPath.startsWith(`${K3S_FOLDER}/config.`)) return '';
  const flags = `--image-credential-provider-config=${configPath} --image-credential-provider-bin-dir=${binFolder}`;
  return `${style('cyan', 'next:')} no kubelet is visible here; it needs ${flags}\n`;
}

/** Formats what is left to do, a line for each step; an empty text for nothing. */
export function formatNextSteps(
  style: Style,
  kubelet: NodeKubelet | undefined,
  { missingFlags, needsRestart }: NextSteps,
): string {
  const line = (text: string) => `${style('cyan', 'next:')} ${text}\n`;
  if (kubelet === undefined) return '';
  const { program, unit = program } = kubelet;
  const flags = missingFlags.length === 0 ? '' : line(`give ${program} these flags: ${missingFlags.join(' ')}`);
  const restart = needsRestart || missingFlags.length > 0;
  return (
    flags + (restart ? line(`systemctl restart ${shellWord(unit)} (it reads its configuration at the start)`) : '')
  );
}

const PROGRAM = 'docker-credential-acr';
