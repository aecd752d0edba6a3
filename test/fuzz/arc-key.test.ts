/** The challenge of the Azure Arc agent: whatever it names, only a key file directly in the agent's folder is read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CredentialError } from '../../src/errors.ts';
import { readArcKey } from '../../src/identity/managed-identity/azure-arc-key.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { answer } from '../unit/token-context.ts';
import { mutated } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const LINUX_FOLDER = '/var/opt/azcmagent/tokens';
const PROGRAM_DATA = 'C:\\ProgramData';
const WINDOWS_FOLDER = `${PROGRAM_DATA}\\AzureConnectedMachineAgent\\Tokens`;

const files = (folder: string, separator: string) =>
  mutated(
    fc
      .tuple(
        fc.constantFrom(
          folder,
          folder.toUpperCase(),
          `${folder}${separator}..`,
          `${folder}${separator}sub`,
          '',
          '/etc',
        ),
        fc.constantFrom('12345.key', '.key', 'key', 'a.KEY', 'shadow', '..', '', 'a.key.txt', 'nul.key', 'a:b.key'),
      )
      .map(([one, name]) => `${one}${separator}${name}`),
    ['/', '\\', '..', '../', '..\\', '.', ':', '\0', '.key', '//', '%2f', '"', ' ', '::$DATA', '\u2215', '~'],
    2,
  );
const headerOf = fc.constantFrom<(file: string) => string>(
  (file) => `Basic realm=${file}`,
  (file) => `basic realm=${file}`,
  (file) => `Basic realm="${file}"`,
  (file) => `Bearer realm=${file}`,
  (file) => `Basic realm=${file}, Basic realm=/etc/shadow.key`,
  (file) => file,
);

/** Whether the program tried to open the file that the challenge names. */
function opens(platform: NodeJS.Platform, header: string): boolean {
  try {
    const runtime = makeRuntime({ ProgramData: PROGRAM_DATA }, { platform });
    readArcKey(runtime, answer(401, '', { 'www-authenticate': header }));
    return true;
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    expect(['ANSWER_INVALID', 'IDENTITY_FAILED']).toContain(cause.code);
    return cause.message.includes('cannot be read');
  }
}

/** Whether a file is a key directly in a folder: the folder, a separator, and a name without any that ends in `.key`. */
function isKeyIn(folder: string, separators: string, file: string): boolean {
  const name = file.slice(folder.length + 1);
  const isClean = [...name].every((one) => !separators.includes(one) && one !== '\0');
  return file.startsWith(folder + separators[0]) && isClean && name.endsWith('.key') && name.length > '.key'.length;
}

describe('the agent gets its key from', () => {
  it('a file directly in its folder only, on Linux', () => {
    fc.assert(
      fc.property(files(LINUX_FOLDER, '/'), headerOf, (file, write) => {
        const header = write(file);
        const named = /^Basic realm=(.+)$/i.exec(header)?.[1] ?? '';
        expect(opens('linux', header)).toBe(isKeyIn(LINUX_FOLDER, '/', named));
      }),
      RUN_OPTIONS,
    );
  });

  it('a file directly in its folder only, on Windows, and from no stream of a file', () => {
    fc.assert(
      fc.property(files(WINDOWS_FOLDER, '\\'), headerOf, (file, write) => {
        const header = write(file);
        const named = /^Basic realm=(.+)$/i.exec(header)?.[1] ?? '';
        expect(opens('win32', header)).toBe(isKeyIn(WINDOWS_FOLDER, '\\/:', named));
      }),
      RUN_OPTIONS,
    );
  });

  it('no file on other systems', () => {
    fc.assert(
      fc.property(files(LINUX_FOLDER, '/'), headerOf, (file, write) => {
        expect(opens('darwin', write(file))).toBe(false);
      }),
      RUN_OPTIONS,
    );
  });
});
