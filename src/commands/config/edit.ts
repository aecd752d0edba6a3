/** Lets the person edit the configuration: on a copy, which replaces the file only when it has no mistakes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import schema from '../../config/config.schema.json' with { type: 'json' };
import { loadConfig, readConfigFile } from '../../config/config.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { parseJsonObject } from '../../json.ts';
import { createOwnFile, readForeignFile, replaceOwnFile } from '../../system/files.ts';
import { runInForeground } from '../../system/foreground-program.ts';
import { readPersonFile, replacePersonFile } from '../../system/person-file.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { Editor } from './editor.ts';
import { type Validation, validateText } from './validation.ts';

/** What an edit needs. */
export interface EditRequest {
  readonly runtime: Runtime;
  readonly file: string;
  readonly editor: Editor;
  /** Asks what to do about the mistakes in the copy. @returns whether to edit it again. */
  readonly askAgain: (validation: Validation) => Promise<boolean>;
}

/** How an edit ended. */
export type EditResult = 'saved' | 'created' | 'unchanged';

const MAX_BYTES = 1024 * 1024;
/** The schema is a file beside the configuration, so that it fits the version of the program. */
const SCHEMA_FILE = 'config.schema.json';
const SCHEMA_REFERENCE = `./${SCHEMA_FILE}`;
const SKELETON = `${JSON.stringify({ $schema: SCHEMA_REFERENCE, registries: {} }, null, 2)}\n`;

/**
 * Opens the configuration in an editor until it has no mistakes, and saves it. A file that does not exist yet begins
 * with a reference to its schema, for editors that know schemas.
 * @throws CONFIG_INVALID when it is not saved: the hint names the copy with the changes, if there are any.
 * @throws CONFIG_INVALID when the file must not be read.
 */
export async function editConfig({ runtime, file, editor, askAgain }: EditRequest): Promise<EditResult> {
  // Learns which variables hold secrets: the editor must not get them.
  await loadConfig(runtime);
  const original = readConfigFile(file, false);
  const folder = mkdtempSync(join(resolve(tmpdir()), 'docker-credential-acr-'));
  const copy = join(folder, 'config.json');
  createOwnFile(copy, original ?? SKELETON);
  createOwnFile(join(folder, SCHEMA_FILE), formatSchema());
  const discard = () => rmSync(folder, { recursive: true, force: true });
  const keep = (what: string) => {
    const message = `Cannot save ${file}: ${what}`;
    if (!holds(copy, original ?? SKELETON)) {
      return new CredentialError('CONFIG_INVALID', message, { hint: `your changes are in ${copy}` });
    }
    discard();
    return new CredentialError('CONFIG_INVALID', message);
  };
  for (;;) {
    const text = await edit(runtime, editor, copy, keep);
    if (text === (original ?? SKELETON)) {
      discard();
      return 'unchanged';
    }
    const findings = validateText(text, copy);
    if (findings.length > 0 && (await askAgain({ file: copy, text, findings }))) continue;
    if (findings.some(({ severity }) => severity === 'error')) throw keep('it has mistakes');
    if (readConfigFile(file, false) !== original) throw keep('somebody else has changed it in the meantime');
    try {
      save(file, text);
    } catch (cause) {
      throw keep(describeCause(cause));
    }
    discard();
    return original === undefined ? 'created' : 'saved';
  }
}

/** @returns the text of the copy after the editor has ended. */
async function edit(
  runtime: Runtime,
  editor: Editor,
  copy: string,
  keep: (what: string) => CredentialError,
): Promise<string> {
  let exitCode: number | undefined;
  try {
    exitCode = await runInForeground(runtime, { ...editor, args: [...editor.args, copy], folder: dirname(copy) });
  } catch (cause) {
    throw keep(`${editor.file}: ${describeCause(cause)}`);
  }
  if (exitCode !== 0) throw keep(`${editor.file} failed${exitCode === undefined ? '' : ` with exit code ${exitCode}`}`);
  let text: string | undefined;
  try {
    text = readForeignFile(copy, MAX_BYTES);
  } catch (cause) {
    throw keep(describeCause(cause));
  }
  // Then there is no copy to name.
  if (text === undefined) {
    rmSync(dirname(copy), { recursive: true, force: true });
    throw new CredentialError('CONFIG_INVALID', 'Cannot save the configuration: the editor has removed the copy');
  }
  return text;
}

function holds(file: string, text: string): boolean {
  try {
    return readForeignFile(file, MAX_BYTES) === text;
  } catch {
    return false;
  }
}

function save(file: string, text: string): void {
  // A link may lead to a file that does not exist yet. Then that one is created.
  replacePersonFile(readPersonFile(file), text);
  if (parseJsonObject(text)?.['$schema'] !== SCHEMA_REFERENCE) return;
  try {
    const schemaFile = join(dirname(file), SCHEMA_FILE);
    if (readForeignFile(schemaFile, MAX_BYTES) !== formatSchema()) replaceOwnFile(schemaFile, formatSchema());
  } catch {
    // An editor then completes no keys.
  }
}

function formatSchema(): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
