/** Packs a program with `@yao-pkg/pkg`, in a process of its own. */

import { join } from 'node:path';
import { type Packing, runNodeRepeatably } from './packing.ts';

/**
 * Packs a program.
 * @returns the warnings of pkg.
 * @throws when pkg fails.
 */
export async function packWithPkg(packing: Packing): Promise<readonly string[]> {
  const { target, folder, main, assets, hasCodeCache, nodePath, generatorPath, output } = packing;
  const said = await runNodeRepeatably(
    generatorPath,
    [
      join(import.meta.dirname, 'inject.ts'),
      ...['--target', target.name, '--main', main, '--node', nodePath, '--output', output],
      ...(hasCodeCache ? ['--code-cache'] : []),
      ...Object.entries(assets).flatMap(([name, file]) => ['--asset', `${name}=${file}`]),
    ],
    folder,
  );
  return findWarnings(said);
}

/** Finds the warnings in what pkg prints, which is all its steps. */
export function findWarnings(said: string): readonly string[] {
  return said
    .split('\n> ')
    .filter((text) => /^(> )?\S*Warning/.test(text))
    .map((text) =>
      text
        .replace(/^(> )?\S*Warning\S*/, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    );
}
