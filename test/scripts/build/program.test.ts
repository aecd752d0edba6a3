/** Keeps the start short: what only a sign-in needs must not be loaded before the sign-in. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'acorn';
import { fullAncestor } from 'acorn-walk';
import type { Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleProgram } from '../../../scripts/build/bundle.ts';
import { bundleChunks } from '../../../scripts/build/chunks.ts';
import { makeProgramCode } from '../../../scripts/build/program.ts';

const ENTRY = 'src/main.ts';
/** What only a sign-in needs: loading it would cost a cached answer tens of milliseconds. */
const LOADED_LATE = [
  'node_modules/jose/',
  'node_modules/env-paths/',
  'src/network/http.ts',
  'src/log.ts',
  'src/commands/',
  'src/terminal/',
  'node_modules/commander/',
  'node:child_process',
  'node:crypto',
  'node:http',
  'node:os',
  'node:tls',
];

type ImportKind = Metafile['inputs'][string]['imports'][number]['kind'];
const STATIC: readonly ImportKind[] = ['import-statement', 'require-call'];

let metafile: Metafile;

beforeAll(async () => {
  const root = join(import.meta.dirname, '../../..');
  ({ metafile } = await bundleProgram({ entry: ENTRY, root, nodeVersion: process.versions.node }));
}, 30_000);

describe('the start of the program', () => {
  it.each(LOADED_LATE)('does not load %s', (path) => {
    expect(findMatches(findReachable([...STATIC]), path)).toEqual([]);
  });

  it.each(LOADED_LATE)('leaves %s to a dynamic import', (path) => {
    expect(findMatches(findReachable([...STATIC, 'dynamic-import']), path)).not.toEqual([]);
  });
});

/** The files and Node's own modules that a module reaches through imports of these kinds. */
function findReachable(kinds: readonly ImportKind[], entry = ENTRY): ReadonlySet<string> {
  const reached = new Set([entry]);
  for (const path of reached) {
    for (const { kind, path: imported } of metafile.inputs[path]?.imports ?? []) {
      // A loop over a set also visits what is added on the way.
      if (kinds.includes(kind)) reached.add(imported);
    }
  }
  return reached;
}

function findMatches(paths: ReadonlySet<string>, start: string): readonly string[] {
  return [...paths].filter((path) => path.startsWith(start));
}

describe('a kubelet that gets a cached token', () => {
  /** Only a failure needs the first, and only a file that is not JSON the second. */
  const late = ['failure.ts', 'azure-json-yaml.ts'];
  const modules = readdirSync(join(import.meta.dirname, '../../../src/kubelet')).filter((name) => !late.includes(name));

  it.each(modules)('loads nothing of a sign-in with %s', (name) => {
    const module = `src/kubelet/${name}`;
    const start = findReachable([...STATIC]);
    const added = [...findReachable([...STATIC], module)].filter((path) => !start.has(path));
    expect(added).toContain(module);
    expect(added.filter((path) => !path.startsWith('src/kubelet/'))).toEqual([]);
  });
});

describe('the executable', () => {
  it('has a start that is shorter than what a sign-in needs, and each module in only one part', async () => {
    const root = join(import.meta.dirname, '../../..');
    const { start, parts } = await bundleChunks({ entry: ENTRY, root, nodeVersion: process.versions.node });
    const codeOf = (wanted: string) => parts.find(({ name }) => name === wanted)?.code ?? '';
    const [rest, kubelet, commands] = [codeOf('rest'), codeOf('kubelet'), codeOf('commands')];
    expect(start.length).toBeLessThan(rest.length);
    for (const [module, part, other] of [
      ['src/cache/cache.ts', start, rest],
      ['src/errors.ts', start, rest],
      ['src/sign-in/sign-in.ts', rest, start],
      ['src/network/http.ts', rest, start],
      ['src/network/http.ts', rest, commands],
      ['src/kubelet/provider.ts', kubelet, start],
      ['src/kubelet/provider.ts', kubelet, rest],
      ['src/commands/commands.ts', commands, start],
      ['src/commands/commands.ts', commands, rest],
    ] as const) {
      // A module's body follows its name; the other part only refers to it by that name.
      expect(part).toContain(`"${module}"`);
      expect(other.includes(`"${module}"(`)).toBe(false);
    }
    expect(rest).toContain('node_modules/jose/');
    expect(start).not.toContain('node_modules/jose/');
    // One parser of YAML, for kubelets' requests and commands.
    expect(codeOf('yaml')).toContain('node_modules/yaml/');
    expect(`${kubelet}${commands}`).not.toContain('node_modules/yaml/');
    for (const name of ['commander', '@clack/prompts']) {
      expect(commands).toContain(`node_modules/${name}/`);
      expect(`${start}${rest}`).not.toContain(`node_modules/${name}/`);
    }
  }, 30_000);

  it('compiles ahead the functions that a cached answer calls, and not those that it does not', async () => {
    const root = join(import.meta.dirname, '../../..');
    const { start } = await makeProgramCode({ root, nodeVersion: process.versions.node });
    const isAhead = (name: string) => new RegExp(`var ${name} = \\((?:async )?function ${name}\\(`).test(start);
    const called = [
      'findCredential',
      'readCache',
      'hashText',
      'findAzureCli',
      'findImds',
      'loadConfig',
      'parseSettings',
      // While another process signs in.
      'runSingleFlight',
      'waitForOther',
    ];
    // The last is called only for root, and who builds must not decide.
    const unused = ['writeCache', 'createOwnFile', 'parseIdentity', 'explainSignIn', 'isRootsPlace'];
    expect(called.filter((name) => !isAhead(name))).toEqual([]);
    expect(unused.filter((name) => isAhead(name) || !start.includes(`function ${name}(`))).toEqual([]);
  }, 30_000);

  it('creates no regular expression at its start that needs the Unicode tables of V8', async () => {
    const root = join(import.meta.dirname, '../../..');
    const { start } = await bundleChunks({ entry: ENTRY, root, nodeVersion: process.versions.node });
    const costly: string[] = [];
    fullAncestor(parse(start, { ecmaVersion: 'latest' }), (node, _state, ancestors) => {
      if (node.type !== 'Literal' || node.regex === undefined || node.regex === null) return;
      const isMadeLater = ancestors.some(({ type }) => type.includes('Function') || type === 'MethodDefinition');
      if (!isMadeLater && /[iuv]/.test(node.regex.flags)) costly.push(node.raw ?? '');
    });
    expect(costly).toEqual([]);
  }, 30_000);
});
