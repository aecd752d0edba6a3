/** Keeps the start short: what is only needed to sign in must not be loaded before it is. */

import { join } from 'node:path';
import { parse } from 'acorn';
import { fullAncestor } from 'acorn-walk';
import type { Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleProgram } from '../../../scripts/build/bundle.ts';
import { bundleChunks } from '../../../scripts/build/chunks.ts';
import { makeProgramCode } from '../../../scripts/build/program.ts';

const ENTRY = 'src/main.ts';
/** What only a sign-in needs: tens of milliseconds that a cached answer does not have. */
const LOADED_LATE = [
  'node_modules/jose/',
  'node_modules/env-paths/',
  'src/network/http.ts',
  'src/log.ts',
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

describe('what the start of the program loads', () => {
  it.each(LOADED_LATE)('does not include %s', (path) => {
    expect(findMatches(findReachable([...STATIC]), path)).toEqual([]);
  });

  it.each(LOADED_LATE)('leaves %s to a dynamic import', (path) => {
    expect(findMatches(findReachable([...STATIC, 'dynamic-import']), path)).not.toEqual([]);
  });
});

/** The files and Node's own modules that `ENTRY` leads to along imports of these kinds. */
function findReachable(kinds: readonly ImportKind[]): ReadonlySet<string> {
  const reached = new Set([ENTRY]);
  for (const path of reached) {
    for (const { kind, path: imported } of metafile.inputs[path]?.imports ?? []) {
      // A set that grows while it is walked is walked to its new end.
      if (kinds.includes(kind)) reached.add(imported);
    }
  }
  return reached;
}

function findMatches(paths: ReadonlySet<string>, start: string): readonly string[] {
  return [...paths].filter((path) => path.startsWith(start));
}

describe('the two parts of the executable', () => {
  it('are short and long, and hold each module of ours once', async () => {
    const root = join(import.meta.dirname, '../../..');
    const { start, rest } = await bundleChunks({ entry: ENTRY, root, nodeVersion: process.versions.node });
    expect(start.length).toBeLessThan(rest.length / 2);
    for (const [module, part, other] of [
      ['src/cache/cache.ts', start, rest],
      ['src/errors.ts', start, rest],
      ['src/sign-in/sign-in.ts', rest, start],
      ['src/network/http.ts', rest, start],
    ] as const) {
      // A module's body stands behind its name; the other part only asks for it by that name.
      expect(part).toContain(`"${module}"`);
      expect(other.includes(`"${module}"(`)).toBe(false);
    }
    expect(rest).toContain('node_modules/jose/');
    expect(start).not.toContain('node_modules/jose/');
  }, 30_000);

  it('has V8 compile ahead what a cached answer calls, and nothing that it does not', async () => {
    const root = join(import.meta.dirname, '../../..');
    const { start } = await makeProgramCode(root, process.versions.node);
    const isAhead = (name: string) => new RegExp(`var ${name} = \\((?:async )?function ${name}\\(`).test(start);
    const called = [
      'findCredential',
      'readCache',
      'hashText',
      'findAzureCli',
      'findImds',
      'loadSettings',
      'readSettings',
    ];
    const unused = ['writeCache', 'createOwnFile', 'parseIdentity', 'addSkipped'];
    expect(called.filter((name) => !isAhead(name))).toEqual([]);
    expect(unused.filter((name) => isAhead(name) || !start.includes(`function ${name}(`))).toEqual([]);
  }, 30_000);

  it('makes no pattern at every start that V8 needs the tables of Unicode for', async () => {
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
