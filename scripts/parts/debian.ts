/** Debian packages: container engines, clients and a registry. They are installed with apt-get, as root on Debian. */
import { findProgram, lastLines, readTextFile, runCommand } from './command.ts';
import type { PartReport } from './part.ts';

/** Packages, each with a program whose presence shows that it is installed. */
export type Packages = Readonly<Record<string, string>>;

/** What the end-to-end tests run. */
export const CLIENT_PACKAGES: Packages = {
  'docker.io': 'dockerd',
  podman: 'podman',
  skopeo: 'skopeo',
  buildah: 'buildah',
  'docker-registry': 'docker-registry',
  containerd: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  pass: 'pass',
  gnupg: 'gpg',
  'gnome-keyring': 'gnome-keyring-daemon',
  dbus: 'dbus-run-session',
  'libsecret-tools': 'secret-tool',
  strace: 'strace',
  faketime: 'faketime',
  tmux: 'tmux',
  zsh: 'zsh',
  fish: 'fish',
  'man-db': 'man',
  chromium: 'chromium',
  maven: 'mvn',
  'default-jdk-headless': 'javac',
};

/** What makes a release. */
export const RELEASE_PACKAGES: Packages = {
  'xz-utils': 'xz',
  zip: 'zip',
  buildah: 'buildah',
};

/** What tries a release. */
export const TRIAL_PACKAGES: Packages = {
  // Its program is in no folder of PATH, but beside one.
  wine64: '../lib/wine/wine64',
  patchelf: 'patchelf',
};

/** Whether packages can be installed without a password. */
export function canInstallPackages(): boolean {
  const isDebian = /^ID(_LIKE)?=.*debian/m.test(readTextFile('/etc/os-release') ?? '');
  return isDebian && process.getuid?.() === 0 && findProgram('apt-get') !== undefined;
}

/** Installs the packages whose programs are missing, in one transaction, together with `extraPackages`. */
export async function installPackages(
  packages: Packages,
  extraPackages: readonly string[] = [],
): Promise<readonly PartReport[]> {
  const isInstalled = (name: string) => findProgram(packages[name] ?? name) !== undefined;
  const missing = Object.keys(packages).filter((name) => !isInstalled(name));
  const present = Object.keys(packages).filter((name) => !missing.includes(name));
  const reports = present.map((part): PartReport => ({ part, state: 'present', detail: '' }));
  const wanted = [...missing, ...extraPackages];
  if (wanted.length === 0) return reports;
  if (!canInstallPackages()) {
    return [
      ...reports,
      ...wanted.map((part) => report(part, 'missing', 'install it with the system’s package manager')),
    ];
  }
  const output = await aptInstall(wanted);
  return [
    ...reports,
    ...missing.map((part) =>
      isInstalled(part) ? report(part, 'installed', 'with apt-get') : report(part, 'missing', lastLines(output)),
    ),
  ];
}

function report(part: string, state: PartReport['state'], detail: string): PartReport {
  return { part, state, detail };
}

/** Installs packages without recommended ones. Updates the package lists only if they lack the packages. */
async function aptInstall(packages: readonly string[]): Promise<string> {
  const install = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=120', '--no-install-recommends', 'install', ...packages];
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const first = await runCommand('apt-get', install, environment);
  if (first.exitCode === 0) return first.output;
  const update = await runCommand('apt-get', ['-q', 'update'], environment);
  const second = await runCommand('apt-get', install, environment);
  return `${first.output}\n${update.output}\n${second.output}`;
}
