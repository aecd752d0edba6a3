/** Packages without files, which stand for those of a distribution in the tests. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partOf } from '../../e2e/world/parts.ts';
import { runProcess } from '../../e2e/world/process.ts';

export interface StubPackage {
  readonly packager: 'rpm' | 'archlinux';
  readonly name: string;
  /** What it provides besides its name. */
  readonly provides?: readonly string[];
}

/**
 * Makes the package in a folder.
 *
 * @returns its path.
 */
export async function makeStubPackage(folder: string, { packager, name, provides = [] }: StubPackage): Promise<string> {
  const [configuration, path] = [join(folder, `${name}.json`), join(folder, `${name}.${ENDINGS[packager]}`)];
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const about = { maintainer: 'nobody <nobody@example.com>', description: 'Stands for a package', license: 'MIT' };
  writeFileSync(configuration, JSON.stringify({ name, arch, version: '8.0.0', release: '1', ...about, provides }));
  const args = ['package', '--config', configuration, '--packager', packager, '--target', path];
  const { exitCode, stderr } = await runProcess(partOf('nfpm'), args, { environment: { PATH: '/usr/bin:/bin' } });
  if (exitCode !== 0) throw new Error(`Cannot make the package ${name}: ${stderr}`);
  return path;
}

const ENDINGS = { rpm: 'rpm', archlinux: 'pkg.tar.zst' };
