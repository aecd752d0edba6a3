/**
 * Compiles the rest of the program with the V8 that it will run in: `node compile.ts SOURCE CACHE`.
 *
 * V8 compiles a function when it is called, so the modules are loaded first: their own functions, and above all those
 * of the HTTP client, are then in the cache. Nothing of them is called.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';
import { REST_ASSET } from './chunks.ts';

const [source = '', cache = ''] = process.argv.slice(2);
const script = new Script(readFileSync(source, 'latin1'), { filename: REST_ASSET });
const module: { exports: Readonly<Record<string, () => unknown>> } = { exports: {} };
script.runInThisContext()(createRequire(import.meta.url), module, () => ({}));
for (const load of Object.values(module.exports)) {
  try {
    load();
  } catch {
    // One that needs the start's modules to load: compiled as far as it got.
  }
}
writeFileSync(cache, script.createCachedData());
