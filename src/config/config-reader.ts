/** Reads one object of the configuration: each value by its kind, each mistake told by its key and the nearest right one. */

import { isAbsolute } from 'node:path';
import { TENANT } from '../entra/authority.ts';
import { CredentialError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { findNearest } from './nearest.ts';

/** An audience is a URL or an application's id; it becomes a scope by adding `/.default`. */
const AUDIENCE = /^[0-9a-zA-Z._:/-]+$/;

export class ConfigReader {
  readonly #object: JsonObject;
  readonly #where: string;
  readonly #file: string;

  /** @param where the object's place, such as `"registries"."myregistry.azurecr.io"`; empty for the whole file. */
  constructor(object: JsonObject, where: string, file: string) {
    this.#object = object;
    this.#where = where;
    this.#file = file;
  }

  /** @throws CONFIG_INVALID naming a key that is not one of these. */
  allow(known: readonly string[]): void {
    const unknown = Object.keys(this.#object).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    const nearest = findNearest(unknown, known);
    const place = this.#where === '' ? '' : ` in ${this.#where}`;
    throw this.invalid(
      `unknown key "${unknown}"${place}`,
      nearest === undefined ? `the keys are ${known.join(', ')}` : `did you mean "${nearest}"?`,
    );
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.#object[key];
    if (value === undefined) return undefined;
    const chosen = choices.find((choice) => choice === value);
    if (chosen !== undefined) return chosen;
    const nearest = typeof value === 'string' ? findNearest(value, choices) : undefined;
    throw this.wrong(key, `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`, nearest);
  }

  flag(key: string): boolean | undefined {
    const value = this.#object[key];
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.wrong(key, 'true or false');
  }

  /** @param right what it must be, in words. */
  text(key: string, pattern: RegExp, right: string): string | undefined {
    const value = this.#object[key];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw this.wrong(key, right);
  }

  tenantId(): string | undefined {
    return this.text('tenantId', TENANT, 'the id or the domain of a tenant');
  }

  /** @param right what it must be, in words. */
  audience(key: string, right: string): string | undefined {
    return this.text(key, AUDIENCE, right);
  }

  /** A file, named from the root on: the working directory belongs to whoever wrote what is being built. */
  path(key: string): string | undefined {
    const value = this.#object[key];
    if (value === undefined || (typeof value === 'string' && isAbsolute(value))) return value;
    throw this.wrong(key, 'an absolute path');
  }

  /** @returns the URL without a trailing slash. */
  httpsUrl(key: string): string | undefined {
    const value = this.#object[key];
    if (value === undefined) return undefined;
    const url = typeof value === 'string' ? URL.parse(value) : null;
    if (
      url?.protocol === 'https:' &&
      url.username === '' &&
      url.password === '' &&
      url.search === '' &&
      url.hash === ''
    ) {
      return `https://${url.host}${url.pathname.replace(/\/+$/, '')}`;
    }
    throw this.wrong(key, 'an https URL');
  }

  /** One text or a list of them; not empty. */
  texts(key: string, pattern: RegExp, right: string): readonly string[] | undefined {
    const value = this.#object[key];
    if (value === undefined) return undefined;
    const values: unknown[] = Array.isArray(value) ? value : [value];
    const texts = values.filter((one) => typeof one === 'string' && pattern.test(one));
    if (texts.length === values.length && texts.length > 0) return texts.filter((one) => typeof one === 'string');
    throw this.wrong(key, right);
  }

  wrong(key: string, right: string, nearest?: string): CredentialError {
    const place = this.#where === '' ? `"${key}"` : `${this.#where}."${key}"`;
    return this.invalid(
      `${place} must be ${right}`,
      nearest === undefined ? undefined : `write "${key}": "${nearest}"`,
    );
  }

  invalid(what: string, hint = 'correct the file, or move it away'): CredentialError {
    return new CredentialError('CONFIG_INVALID', `Cannot use ${this.#file}: ${what}`, { hint });
  }
}
