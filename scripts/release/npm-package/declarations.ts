/** The types of the library, in one file without the rest of the program. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../../build/run.ts';
import type { PackageFiles } from './tarball.ts';

export interface DeclarationOptions {
  /** The exported values, and the exported types. */
  readonly names: readonly string[];
  readonly types: readonly string[];
  /** A folder for what the compiler writes. */
  readonly scratch: string;
}

/** The files with exported declarations, in the order in which they are put together. */
const SOURCES = ['errors', 'library/library'];

/** @throws when the compiler finds a mistake. */
export async function makeDeclarations(
  root: string,
  { names, types, scratch }: DeclarationOptions,
): Promise<PackageFiles> {
  const folder = join(scratch, 'declarations');
  await mkdir(folder, { recursive: true });
  const project = join(folder, 'tsconfig.json');
  const compilerOptions = {
    ...{ noEmit: false, declaration: true, emitDeclarationOnly: true, stripInternal: true },
    ...{ rootDir: join(root, 'src'), outDir: folder, typeRoots: [join(root, 'node_modules/@types')] },
  };
  const files = [join(root, 'src/library/library.ts')];
  const extended = join(root, 'tsconfig.json');
  await writeFile(project, JSON.stringify({ extends: extended, compilerOptions, files, include: [] }));
  await runProgram(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', project]);
  const texts = await Promise.all(SOURCES.map((name) => readFile(join(folder, `${name}.d.ts`), 'utf8')));
  const wanted = [...names, ...types];
  const declarations = texts.flatMap(splitDeclarations).filter(({ name }) => wanted.includes(name));
  const missing = wanted.filter((one) => !declarations.some(({ name }) => name === one));
  if (missing.length > 0) throw new Error(`The library does not declare ${missing.join(', ')}`);
  const list = [...names, ...types.map((name) => `type ${name}`)].join(', ');
  return new Map([
    ['index.d.ts', declarations.map(({ text }) => text).join('')],
    // The same declarations: a class that is declared twice would be two classes.
    ['index.d.mts', `export { ${list} } from './index.js';\n`],
  ]);
}

/** A declaration with its comment. */
interface Declaration {
  readonly name: string;
  readonly text: string;
}

const EXPORT = /^export (?:declare )?(?:const|class|function|interface|type) (\w+)/;

/** Splits what the compiler writes: each exported declaration begins at the left margin, after its comment. */
export function splitDeclarations(text: string): readonly Declaration[] {
  const declarations: Declaration[] = [];
  let last = { name: '', text: '' };
  let comment = '';
  let isComment = false;
  for (const line of text.split('\n')) {
    const name = EXPORT.exec(line)?.[1];
    if (line.startsWith('/**')) [comment, isComment] = ['', true];
    if (isComment) comment += `${line}\n`;
    else if (/^(?:import|export|declare)\b/.test(line)) {
      last = { name: name ?? '', text: `${comment}${line}\n` };
      declarations.push(last);
    } else if (line !== '') last.text += `${line}\n`;
    if (isComment && line.endsWith('*/')) isComment = false;
    else if (!isComment) comment = '';
  }
  return declarations;
}
