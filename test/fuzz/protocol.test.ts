/** What clients send on stdin, and what they get back. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { formatCredential, formatServerList, parseServerUrl, parseStorePayload } from '../../src/protocol.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { makeStreams } from '../unit/streams.ts';
import { isReadable, mutated, mutatedJsonText } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';
import { SERVER_URLS } from './server-urls.ts';

const ANY_TEXT = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', '', '\0', '\u2028'));
const PAYLOAD = { ServerURL: 'https://registry.example.com:5000', Username: 'ada', Secret: 'hidden-secret' };

describe('a server URL on stdin', () => {
  it('is what is left without a byte-order mark and white space around it', () => {
    const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\r', '\n', '\uFEFF', '\u00A0'), maxLength: 3 });
    fc.assert(
      fc.property(space, fc.oneof(SERVER_URLS, ANY_TEXT), space, (before, text, after) => {
        const found = parseServerUrl(`${before}${text}${after}`);
        expect(found ?? '').toBe(text.replace(/^\s+|\s+$/g, ''));
        expect(found).not.toBe('');
      }),
      RUN_OPTIONS,
    );
  });
});

/** The value that Go's decoder leaves in a field: the last key wins, whatever its case, and null changes nothing. */
function decodeAsGo(pairs: readonly (readonly [string, unknown])[], field: string): unknown {
  return pairs.findLast(([key, value]) => key.toLowerCase() === field && value !== null)?.[1] ?? '';
}

describe('the payload of store', () => {
  const names = fc.constantFrom('ServerURL', 'serverurl', 'SERVERURL', 'Username', 'userName', 'Secret', 'secret', 'X');
  const values = fc.oneof({ weight: 6, arbitrary: ANY_TEXT }, { weight: 1, arbitrary: fc.jsonValue() });
  const pairs = fc.uniqueArray(fc.tuple(names, values), { selector: ([name]) => name });

  it("is read as Go's JSON decoder reads it", () => {
    fc.assert(
      fc.property(pairs, (entries) => {
        const found = parseStorePayload(JSON.stringify(Object.fromEntries(entries)));
        const [serverUrl, username, secret] = ['serverurl', 'username', 'secret'].map((field) =>
          decodeAsGo(entries, field),
        );
        const isComplete = typeof serverUrl === 'string' && serverUrl.trim() !== '' && username !== '';
        const isTyped = typeof username === 'string' && typeof secret === 'string';
        expect(found).toEqual(
          isComplete && isTyped ? { serverUrl: serverUrl.trim(), username, secret } : expect.any(String),
        );
      }),
      RUN_OPTIONS,
    );
  });

  it('is either rejected in one line or has a server and a user', () => {
    fc.assert(
      fc.property(mutatedJsonText(PAYLOAD), (text) => {
        const found = parseStorePayload(text);
        if (typeof found === 'string') expect(found).toMatch(/^[^\r\n]+$/);
        else expect([found.serverUrl.trim(), found.username]).not.toContain('');
      }),
      RUN_OPTIONS,
    );
  });
});

describe('an answer', () => {
  it('with a credential is one line, in which a client finds exactly what was meant', () => {
    fc.assert(
      fc.property(ANY_TEXT, ANY_TEXT, ANY_TEXT, (serverUrl, username, secret) => {
        const line = formatCredential({ serverUrl, username, secret });
        expect(line).toMatch(/^[^\r\n]+\n$/);
        expect(Object.entries(JSON.parse(line))).toEqual([
          ['ServerURL', serverUrl],
          ['Username', username],
          ['Secret', secret],
        ]);
      }),
      RUN_OPTIONS,
    );
  });

  it('with a list is one line that names every server', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(ANY_TEXT.filter(isReadable), ANY_TEXT)), (entries) => {
        const servers = new Map(entries);
        const line = formatServerList(servers);
        expect(line).toMatch(/^\{[^\r\n]*\}\n$/);
        expect(new Map(Object.entries(JSON.parse(line)))).toEqual(servers);
      }),
      RUN_OPTIONS,
    );
  });
});

describe('the program', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'docker-credential-acr-fuzz-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array).toString('utf8'));
  const inputs = fc.oneof(SERVER_URLS, mutatedJsonText(PAYLOAD), bytes, ANY_TEXT);
  const verbs = mutated(fc.constantFrom('get', 'store', 'erase', 'list', 'version', 'help'), ['-', '\n', '`'], 1);

  it('ends with 0 or 1 and at most one line for the client, whatever is on stdin', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.constantFrom('get', 'store', 'erase'), verbs), inputs, async (verb, input) => {
        // Without a keychain, and without an identity that would be asked over the network.
        const env = { HOME: folder, PATH: '', AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' };
        const { exitCode, stdout, stderr } = await run([verb], makeStreams(input), makeRuntime(env));
        expect([0, 1]).toContain(exitCode);
        if (verb.endsWith('help') || verb === '-h') return;
        expect(stdout).toMatch(/^([^\n]+\n)?$/);
        expect(`${stdout}${stderr}`).not.toContain('internal error');
        if (exitCode === 1) expect(stdout).not.toBe('');
      }),
      RUN_OPTIONS,
    );
  });
});
