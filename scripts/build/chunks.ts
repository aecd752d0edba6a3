/**
 * Cuts the program in two at its `import()`s: what every start needs, and the rest, which is read and compiled only when
 * it is reached. esbuild cuts ES modules so, and the main program of a single executable is none.
 *
 * Without it each start pays for code that a cached answer does not run: 1.6 of 22 ms, and 1.5 MB.
 */

import { isAbsolute, join, relative } from 'node:path';
import { build, type Metafile, type OnResolveArgs, type OutputFile, type Plugin } from 'esbuild';
import { bundleOptions } from './bundle.ts';

export interface Chunks {
  /** The main program; it finds the rest as the asset `REST_ASSET`. */
  readonly start: string;
  readonly rest: string;
}

export interface ChunkOptions {
  /** The file to start from, relative to `root`. */
  readonly entry: string;
  readonly root: string;
  readonly nodeVersion: string;
}

/** The names under which the executable holds the rest, and what V8 compiled of it. */
export const REST_ASSET = 'rest.js';
export const REST_CACHE_ASSET = 'rest.cache';

const REST_PREFIX = 'rest:';
const TABLE = 'start-modules';

/**
 * How the two parts find each other: the rest is a function of `require` and of the modules that the start has already,
 * so that each module is there once.
 */
const LINKER = `
var listStartModules, startModules, restModules, requireBuiltin = require;
function provideModules(list) { listStartModules = list; }
function loadRest() {
  var sea = requireBuiltin('node:sea'), options = { filename: '${REST_ASSET}' };
  var keys = sea.getAssetKeys();
  if (keys.includes('${REST_CACHE_ASSET}')) options.cachedData = Buffer.from(sea.getRawAsset('${REST_CACHE_ASSET}'));
  var source = Buffer.from(sea.getRawAsset('${REST_ASSET}')).latin1Slice();
  var module = { exports: {} };
  new (requireBuiltin('node:vm').Script)(source, options).runInThisContext()(requireBuiltin, module, findStartModule);
  return module.exports;
}
function findStartModule(name) { return (startModules ??= listStartModules())[name]; }
require = function (name) {
  if (!name.startsWith('${REST_PREFIX}')) return requireBuiltin(name);
  return (restModules ??= loadRest())[name.slice(${REST_PREFIX.length})]();
};
`;

export async function bundleChunks(options: ChunkOptions): Promise<Chunks> {
  const { entry, root, nodeVersion } = options;
  const late = new Set<string>();
  const cut = cutAtImports(root, late);
  const { entryPoints, ...common } = bundleOptions({ entry, root, nodeVersion });
  const draft = await build({ ...common, entryPoints, metafile: true, plugins: [cut] });
  const own = Object.keys(draft.metafile.inputs).filter((path) => path.startsWith('src/'));
  const others = own.filter((path) => path !== entry);
  const start = await build({
    ...common,
    stdin: { contents: `import '${TABLE}'; import './${entry}';`, resolveDir: root },
    banner: { js: LINKER },
    plugins: [provideTable(root, await listExports(options, others)), cut],
  });
  const rest = await build({
    ...common,
    stdin: { contents: formatRest(await listRest(options, [...late], own)), resolveDir: root, loader: 'js' },
    banner: { js: '(function (require, module, findStartModule) {' },
    footer: { js: '})' },
    plugins: [takeFromStart(root, new Set(own))],
  });
  return { start: textOf(start.outputFiles), rest: textOf(rest.outputFiles) };
}

/** Our own modules that only the rest has: all of them can be asked for, so that they can be compiled ahead. */
async function listRest(options: ChunkOptions, late: readonly string[], own: readonly string[]): Promise<string[]> {
  const { inputs } = await inspectModules(options, late);
  return Object.keys(inputs)
    .filter((path) => path.startsWith('src/') && !own.includes(path))
    .sort();
}

/** Leaves our own modules behind an `import()` to the rest; those of a package are small and stay. */
function cutAtImports(root: string, late: Set<string>): Plugin {
  return {
    name: 'cut at imports',
    setup: ({ onResolve }) => {
      onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const file = relative(root, join(resolveDir, path));
        late.add(file);
        return { path: `${REST_PREFIX}${file}`, external: true };
      });
    },
  };
}

/** What each of our modules exports. */
async function listExports(options: ChunkOptions, files: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
  const { outputs } = await inspectModules(options, files);
  return new Map(Object.values(outputs).map((output) => [output.entryPoint ?? '', output.exports]));
}

/** What esbuild knows of modules and of all that they lead to. */
async function inspectModules(options: ChunkOptions, files: readonly string[]): Promise<Metafile> {
  const { entryPoints: _entry, outfile: _file, format: _format, ...common } = bundleOptions(options);
  const { metafile } = await build({
    ...common,
    // Only an ES module's exports are listed.
    ...{ entryPoints: [...files], outdir: 'inspected', outbase: options.root, format: 'esm', metafile: true },
  });
  return metafile;
}

/**
 * A module that hands the start's own modules to the linker, which makes their namespaces when the rest is loaded: to
 * make them at each start takes 2 ms. So what a module exports may not change after it is evaluated.
 */
function provideTable(root: string, exportsOf: ReadonlyMap<string, readonly string[]>): Plugin {
  const modules = [...exportsOf].map(([file, names], index) => ({ file, names, prefix: `module${index}_` }));
  const imports = modules.map(({ file, names, prefix }) => {
    return `import { ${names.map((name) => `${name} as ${prefix}${name}`).join(', ')} } from './${file}';`;
  });
  const rows = modules.map(({ file, names, prefix }) => {
    return `${JSON.stringify(file)}: { ${names.map((name) => `${name}: ${prefix}${name}`).join(', ')} }`;
  });
  return {
    name: 'provide the table',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: new RegExp(`^${TABLE}$`) }, () => ({ path: TABLE, namespace: TABLE }));
      onLoad({ filter: /.*/, namespace: TABLE }, () => ({
        contents: `${imports.join('\n')}\nprovideModules(() => ({ ${rows.join(', ')} }));`,
        resolveDir: root,
      }));
    },
  };
}

/** Takes the modules that the start has from there. */
function takeFromStart(root: string, files: ReadonlySet<string>): Plugin {
  const namespace = 'start';
  return {
    name: 'take from the start',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^\./ }, (args) => {
        const file = fileOf(root, args);
        return files.has(file) ? { path: file, namespace } : undefined;
      });
      onLoad({ filter: /.*/, namespace }, ({ path }) => ({
        contents: `module.exports = findStartModule(${JSON.stringify(path)});`,
      }));
    },
  };
}

function fileOf(root: string, { path, resolveDir }: OnResolveArgs): string {
  const file = join(resolveDir, path);
  return isAbsolute(file) ? relative(root, file) : file;
}

/** Each module of the rest is still loaded when it is reached, not before. */
function formatRest(files: readonly string[]): string {
  const rows = files.map((file) => `${JSON.stringify(file)}: () => require('./${file}')`);
  return `module.exports = { ${rows.join(', ')} };`;
}

function textOf(files: readonly OutputFile[]): string {
  return files.map(({ text }) => text).join('');
}
