/**
 * Splits the program at its `import()`s: the start, which every run needs, and parts that are read and compiled only when
 * a run reaches them. esbuild can split only ES modules, and the main program of a single executable cannot be one.
 *
 * Without the split, each run would load code that a cached token does not need. What that costs: scripts/bench/README.md.
 */

import { isAbsolute, join, relative } from 'node:path';
import { build, type Metafile, type OnResolveArgs, type OutputFile, type Plugin } from 'esbuild';
import { type BundleOptions, bundleOptions, listBundledFiles } from './bundle.ts';

export interface Chunks {
  /** The main program, which loads the parts from the executable's assets, or in the npm package from files beside it. */
  readonly start: string;
  readonly parts: readonly Part[];
  /** Every file whose code is in the start or in a part, relative to the root. */
  readonly files: readonly string[];
}

/** Code that is loaded when a run needs it. */
export interface Part {
  /** The asset or file is `<name>.js`, and in the executable its V8 code cache `<name>.cache`. */
  readonly name: string;
  readonly code: string;
  /** Whether a run calls few of its functions, so that a code cache of all of them would cost more than it saves. */
  readonly isCalledInPart: boolean;
}

/** It brings the parser of YAML, which is larger than all else that a kubelet's request needs. */
const YAML_MODULE = 'src/kubelet/azure-json-yaml.ts';

/**
 * The parts in the order in which they are made: a module is in the first part that needs it, and later parts take it
 * from there. A sign-in loads only the rest.
 */
const PARTS: readonly PartDefinition[] = [
  { name: 'yaml', has: (late) => late === YAML_MODULE, packages: ['yaml'] },
  { name: 'rest', has: (late) => !isForPeople(late) && !isForKubelets(late) },
  { name: 'kubelet', has: isForKubelets },
  { name: 'commands', has: isForPeople, isCalledInPart: true },
];

interface PartDefinition {
  readonly name: string;
  readonly has: (late: string) => boolean;
  readonly isCalledInPart?: true;
  /** Packages that later parts take from this one. Any other package is in each part that imports it. */
  readonly packages?: readonly string[];
}

function isForKubelets(late: string): boolean {
  return late.startsWith('src/kubelet/');
}

function isForPeople(late: string): boolean {
  return /^src\/(?:commands|terminal)\//.test(late);
}

const PART_PREFIX = 'part:';
const TABLE = 'start-modules';

/**
 * Connects the parts. Each is a function that gets `require` and the modules that are loaded already, so that each module
 * exists once.
 */
const LINKER = `
var listStartModules, startModules, namespaces = {}, loadedParts = {}, requireBuiltin = require;
function provideModules(list) { listStartModules = list; }
function loadPart(name) {
  var module = { exports: {} };
  findPart(name)(requireBuiltin, module, findModule);
  return module.exports;
}
function findModule(part, file) {
  if (part !== '') return (loadedParts[part] ??= loadPart(part))[file]();
  return namespaces[file] ??= (startModules ??= listStartModules())[file]();
}
require = function (name) {
  if (!name.startsWith('${PART_PREFIX}')) return requireBuiltin(name);
  var place = name.slice(${PART_PREFIX.length}), end = place.indexOf(':');
  return findModule(place.slice(0, end), place.slice(end + 1));
};
`;

/** Finds the function of a part in the executable. */
const FIND_ASSET = `
function findPart(name) {
  var sea = requireBuiltin('node:sea'), options = { filename: name + '.js' };
  var keys = sea.getAssetKeys();
  if (keys.includes(name + '.cache')) options.cachedData = Buffer.from(sea.getRawAsset(name + '.cache'));
  var source = Buffer.from(sea.getRawAsset(name + '.js')).latin1Slice();
  return new (requireBuiltin('node:vm').Script)(source, options).runInThisContext();
}
`;

/** Finds the function of a part beside the start: there it is what a module of that name exports. */
const FIND_FILE = `
function findPart(name) { return requireBuiltin('./' + name + '.js'); }
`;

export async function bundleChunks(options: BundleOptions): Promise<Chunks> {
  const { entry, root, form } = options;
  const late = new Set([YAML_MODULE]); // the start does not reach it
  const cut = cutAtImports(root, late);
  const { entryPoints, ...common } = bundleOptions(options);
  const draft = await build({ ...common, entryPoints, metafile: true, plugins: [cut] });
  const own = Object.keys(draft.metafile.inputs).filter((path) => path.startsWith('src/'));
  const others = own.filter((path) => path !== entry);
  const start = await build({
    ...common,
    stdin: { contents: `import '${TABLE}'; import './${entry}';`, resolveDir: root },
    banner: { js: `${LINKER}${form === 'npm package' ? FIND_FILE : FIND_ASSET}` },
    metafile: true,
    plugins: [provideTable(root, await listExports(options, others)), cut],
  });
  const files = new Set(listBundledFiles(start.metafile));
  /** Where each module and each shared package is: the name of its part, which is empty for the start. */
  const places = new Map(own.map((file) => [file, '']));
  const parts: Part[] = [];
  for (const { name, has, packages = [], isCalledInPart = false } of PARTS) {
    const modules = await listPart(options, [...late].filter(has), places);
    const made = await build({
      ...common,
      stdin: { contents: formatPart(modules, packages), resolveDir: root, loader: 'js' },
      banner: { js: '(function (require, module, findModule) {' },
      footer: { js: '})' },
      metafile: true,
      plugins: [takeFromElsewhere(root, new Map(places))],
    });
    for (const module of [...modules, ...packages]) places.set(module, name);
    for (const file of listBundledFiles(made.metafile)) files.add(file);
    parts.push({ name, code: textOf(made.outputFiles), isCalledInPart });
  }
  return { start: textOf(start.outputFiles), parts, files: [...files].sort() };
}

/** Our own modules that no earlier part contains. Each can be required, so that all can be compiled ahead. */
async function listPart(
  options: BundleOptions,
  late: readonly string[],
  places: ReadonlyMap<string, string>,
): Promise<string[]> {
  if (late.length === 0) return [];
  const { inputs } = await inspectModules(options, late);
  return Object.keys(inputs)
    .filter((path) => path.startsWith('src/') && !places.has(path))
    .sort();
}

/** Moves our own modules behind an `import()` to their part. Those of packages are small and stay. */
function cutAtImports(root: string, late: Set<string>): Plugin {
  return {
    name: 'cut at imports',
    setup: ({ onResolve }) => {
      onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const file = relative(root, join(resolveDir, path));
        late.add(file);
        const part = PARTS.find(({ has }) => has(file));
        return { path: `${PART_PREFIX}${part?.name}:${file}`, external: true };
      });
    },
  };
}

/** The exported names of each of our modules. */
async function listExports(options: BundleOptions, files: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
  const { outputs } = await inspectModules(options, files);
  return new Map(Object.values(outputs).map((output) => [output.entryPoint ?? '', output.exports]));
}

/** The metadata of esbuild about modules and everything that they import. */
async function inspectModules(options: BundleOptions, files: readonly string[]): Promise<Metafile> {
  const { entryPoints: _entry, outfile: _file, format: _format, ...common } = bundleOptions(options);
  const { metafile } = await build({
    ...common,
    // esbuild lists exports only for ES modules.
    ...{ entryPoints: [...files], outdir: 'inspected', outbase: options.root, format: 'esm', metafile: true },
  });
  return metafile;
}

/**
 * A module that passes the start's own modules to the linker. The linker creates the namespace object of a module only
 * when a part needs it: all of them take 2 ms. So a module's exports must not change after it has been evaluated.
 */
function provideTable(root: string, exportsOf: ReadonlyMap<string, readonly string[]>): Plugin {
  const modules = [...exportsOf].map(([file, names], index) => ({ file, names, prefix: `module${index}_` }));
  const imports = modules.map(({ file, names, prefix }) => {
    return `import { ${names.map((name) => `${name} as ${prefix}${name}`).join(', ')} } from './${file}';`;
  });
  const rows = modules.map(({ file, names, prefix }) => {
    return `${JSON.stringify(file)}: () => ({ ${names.map((name) => `${name}: ${prefix}${name}`).join(', ')} })`;
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

/** Takes the modules that the start or an earlier part contains from there. */
function takeFromElsewhere(root: string, places: ReadonlyMap<string, string>): Plugin {
  const namespace = 'elsewhere';
  return {
    name: 'take from elsewhere',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /./ }, (args) => {
        const module = args.path.startsWith('.') ? fileOf(root, args) : args.path;
        return places.has(module) ? { path: module, namespace } : undefined;
      });
      onLoad({ filter: /.*/, namespace }, ({ path }) => ({
        contents: `module.exports = findModule(${JSON.stringify(places.get(path))}, ${JSON.stringify(path)});`,
      }));
    },
  };
}

function fileOf(root: string, { path, resolveDir }: OnResolveArgs): string {
  const file = join(resolveDir, path);
  return isAbsolute(file) ? relative(root, file) : file;
}

/** Formats the table of a part's modules. Each is evaluated only when it is required. */
function formatPart(files: readonly string[], packages: readonly string[]): string {
  const names = [...files.map((file) => [file, `./${file}`]), ...packages.map((name) => [name, name])];
  const rows = names.map(([name, from]) => `${JSON.stringify(name)}: () => require(${JSON.stringify(from)})`);
  return `module.exports = { ${rows.join(', ')} };`;
}

function textOf(files: readonly OutputFile[]): string {
  return files.map(({ text }) => text).join('');
}
