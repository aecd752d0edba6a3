/** Finds the person's editor. */

import { isAbsolute } from 'node:path';
import { CredentialError } from '../../errors.ts';
import { createQuote } from '../../redact.ts';
import { findExecutable } from '../../system/child-process.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';

/** An editor, which gets the file as its last argument. */
export interface Editor {
  readonly file: string;
  readonly args: readonly string[];
}

const DEFAULTS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = { win32: ['notepad'] };
/** `editor` is what the administrator of a Debian machine chose. */
const UNIX_DEFAULTS = ['editor', 'nano', 'vim', 'vi'];

/**
 * Finds the editor that `VISUAL` or `EDITOR` names, else one that is usually there.
 * @throws CONFIG_INVALID when there is none, or when the variable names none that can be started.
 */
export function findEditor(runtime: Runtime): Editor {
  const variable = ['VISUAL', 'EDITOR'].find((name) => (readVariable(runtime, name) ?? '').trim() !== '');
  if (variable === undefined) return findDefaultEditor(runtime);
  const value = readVariable(runtime, variable) ?? '';
  const fail = (what: string) =>
    new CredentialError(
      'CONFIG_INVALID',
      `Cannot start the editor: ${variable} is "${createQuote(runtime)(value)}", ${what}`,
      {
        hint: `set ${variable} to a program on PATH or to an absolute path, such as: vi`,
      },
    );
  const words = splitCommand(value, runtime.platform);
  if (words === undefined) throw fail('in which a quote is not closed');
  const [name = '', ...args] = words;
  if (isAbsolute(name)) return { file: name, args };
  // A relative path would lead into the working directory.
  const file = /[/\\]/.test(name) ? undefined : findExecutable(runtime, name.replace(/\.exe$/i, ''));
  if (file === undefined) throw fail('which is not a program on PATH');
  return { file, args };
}

function findDefaultEditor(runtime: Runtime): Editor {
  for (const name of DEFAULTS[runtime.platform] ?? UNIX_DEFAULTS) {
    const file = findExecutable(runtime, name);
    if (file !== undefined) return { file, args: [] };
  }
  throw new CredentialError('CONFIG_INVALID', 'Cannot start an editor: neither VISUAL nor EDITOR is set', {
    hint: 'set EDITOR to a program, such as: vi',
  });
}

/**
 * Splits a command into words as a shell does, without doing anything else that a shell does.
 * @returns `undefined` when a quote is not closed.
 */
export function splitCommand(text: string, platform: NodeJS.Platform): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  // On Windows, a backslash is a part of a path.
  const isEscape = (character: string) => character === '\\' && platform !== 'win32' && quote !== "'";
  const characters = [...text.trim()];
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] ?? '';
    if (isEscape(character)) {
      index += 1;
      word = `${word ?? ''}${characters[index] ?? ''}`;
    } else if (character === quote) {
      quote = undefined;
    } else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = `${word ?? ''}${character}`;
    }
  }
  if (quote !== undefined) return undefined;
  return word === undefined ? words : [...words, word];
}
