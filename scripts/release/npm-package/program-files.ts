/** The program as files that Node runs: a small script, the start, and the parts that it loads when it needs them. */

import { build } from 'esbuild';
import { type BundleOptions, bundleOptions } from '../../build/bundle.ts';
import { makeProgramCode } from '../../build/program.ts';
import { PROGRAM } from '../project.ts';
import type { PackageFiles } from './tarball.ts';

const ENTRY = 'src/npm-main.ts';

/** @throws when the sources cannot be bundled. */
export async function makeProgramFiles(options: Omit<BundleOptions, 'entry'>): Promise<PackageFiles> {
  const [script, { start, parts }] = await Promise.all([bundleScript(options), makeProgramCode(options)]);
  return new Map([
    [`bin/${PROGRAM}.js`, `#!/usr/bin/env node\n${script}`],
    ['lib/start.js', start],
    ...parts.map(({ name, code }) => [`lib/${name}.js`, `module.exports = ${code}`] as const),
  ]);
}

/** The script decides where Node keeps compiled code, so it must not contain the code itself. */
async function bundleScript(options: Omit<BundleOptions, 'entry'>): Promise<string> {
  const { outputFiles } = await build({
    ...bundleOptions({ ...options, entry: ENTRY }),
    plugins: [
      {
        name: 'leave the start to its own file',
        setup: ({ onResolve }) => {
          onResolve({ filter: /^\.\/main\.ts$/ }, () => ({ path: '../lib/start.js', external: true }));
        },
      },
    ],
  });
  return outputFiles.map(({ text }) => text).join('');
}
