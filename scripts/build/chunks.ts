/**
 * Splits the program in two at its `import()`s: the start, which every run needs, and the rest, which is read and
 * compiled only when a run reaches it. esbuild can split only ES modules, and the main program of a single executable
 * cannot be one.
 *
 * Without the split, each run would load code that a cached token does not need. What that costs: scripts/bench/README.md.
 */

import { isAbsolute, join, relative } from 'node:path';
import { build, type Metafile, type OnResolveArgs, type OutputFile, type Plugin } from 'esbuild';
import { bundleOptions } from './bundle.ts';

export interface Chunks {
  /** The main program, which loads the rest from the asset `REST_ASSET`. */
  readonly start: string;
  readonly rest: string;
}

export interface ChunkOptions {
  /** The file to start from, relative to `root`. */
  readonly entry: string;
  readonly root: string;
  readonly nodeVersion: string;
}

/** The names of the executable's assets with the rest and its V8 code cache. */
export const REST_ASSET = 'rest.js';
export const REST_CACHE_ASSET = 'rest.cache';

const REST_PREFIX = 'rest:';
const TABLE = 'start-modules';

/**
 * Connects the two parts. The rest is a function that gets `require` and the modules that the start has already loaded,
 * so that each module exists once.
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

/** Our own modules that only the rest contains. Each can be required, so that all can be compiled ahead. */
async function listRest(options: ChunkOptions, late: readonly string[], own: readonly string[]): Promise<string[]> {
  const { inputs } = await inspectModules(options, late);
  return Object.keys(inputs)
    .filter((path) => path.startsWith('src/') && !own.includes(path))
    .sort();
}

/** Moves our own modules behind an `import()` to the rest. Those of packages are small and stay. */
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

/** The exported names of each of our modules. */
async function listExports(options: ChunkOptions, files: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
  const { outputs } = await inspectModules(options, files);
  return new Map(Object.values(outputs).map((output) => [output.entryPoint ?? '', output.exports]));
}

/** The metadata of esbuild about modules and everything that they import. */
async function inspectModules(options: ChunkOptions, files: readonly string[]): Promise<Metafile> {
  const { entryPoints: _entry, outfile: _file, format: _format, ...common } = bundleOptions(options);
  const { metafile } = await build({
    ...common,
    // esbuild lists exports only for ES modules.
    ...{ entryPoints: [...files], outdir: 'inspected', outbase: options.root, format: 'esm', metafile: true },
  });
  return metafile;
}

/**
 * A module that passes the start's own modules to the linker. The linker creates their namespace objects only when the
 * rest is loaded, since that takes 2 ms. So a module's exports must not change after it has been evaluated.
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

/** Takes the modules that the start contains from the start. */
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

/** Formats the table of the rest's modules. Each is evaluated only when it is required. */
function formatRest(files: readonly string[]): string {
  const rows = files.map((file) => `${JSON.stringify(file)}: () => require('./${file}')`);
  return `module.exports = { ${rows.join(', ')} };`;
}

function textOf(files: readonly OutputFile[]): string {
  return files.map(({ text }) => text).join('');
}
