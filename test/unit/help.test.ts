/** The text of `--help`: it names everything that the program offers. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatHelp } from '../../src/help.ts';
import { SOURCES } from '../../src/identity/sources.ts';
import { VERSION } from '../../src/version.ts';
import { makeRuntime } from './runtime.ts';

const SRC = join(import.meta.dirname, '..', '..', 'src');
const help = formatHelp(makeRuntime());

/** The variables of this program that any module but the help itself names. */
function listVariables(): readonly string[] {
  const files = globSync('**/*.ts', { cwd: SRC }).filter((file) => file !== 'help.ts');
  const texts = files.map((file) => readFileSync(join(SRC, file), 'utf8'));
  return [...new Set(texts.join('\n').match(/\bDOCKER_CREDENTIAL_ACR_[A-Z_]+\b/g) ?? [])].sort();
}

describe('formatHelp', () => {
  test('lists every source with its summary, in the order of the search', () => {
    const section = /^Identities, in the order in which they are tried:\n(?<lines>(?: {2}.+\n)+)\n/m.exec(help);
    const lines = section?.groups?.['lines']?.trimEnd().split('\n') ?? [];
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual(
      SOURCES.map(({ name, summary }) => [name, summary]),
    );
    expect(new Set(SOURCES.map(({ summary }, index) => lines[index]?.indexOf(summary))).size).toBe(1);
  });

  test('lists every variable of its own that the program reads or sets, and no other', () => {
    const variables = listVariables();
    expect(variables).toContain('DOCKER_CREDENTIAL_ACR_CACHE_DIR');
    expect([...new Set(help.match(/\bDOCKER_CREDENTIAL_ACR_[A-Z_]+\b/g))].sort()).toEqual(variables);
  });

  test('names the version, and the program as it was called', () => {
    expect(help.split('\n')[0]).toContain(`docker-credential-acr ${VERSION}: `);
    const renamed = formatHelp(makeRuntime({}, { programName: 'docker-credential-other' }));
    expect(renamed).toContain('\nUsage: docker-credential-other <get|store|erase|list|version>\n');
    expect(renamed).toContain('| docker-credential-other get\n');
    expect(renamed).not.toContain('docker-credential-acr get');
  });

  test.each(['get', 'store', 'erase', 'list', 'version'])('explains the verb %s', (verb) => {
    expect(help).toMatch(new RegExp(`^ {2}${verb} {2,}\\S`, 'm'));
  });

  test('has no space at the end of a line, and ends with one line end', () => {
    for (const line of help.split('\n')) {
      expect(line).toBe(line.trimEnd());
    }
    expect(help).toMatch(/[^\n]\n$/);
  });
});
