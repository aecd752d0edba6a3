/**
 * Compiles the rest of the program with the V8 that it will run in: `node compile.ts SOURCE CACHE`.
 *
 * All of it, not only what is called: a sign-in calls most of it once, and has no time to compile. The flag is taken
 * back before the cache is made, since V8 refuses one that was made under other flags than it runs with.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { REST_ASSET } from './chunks.ts';

const [source = '', cache = ''] = process.argv.slice(2);
setFlagsFromString('--no-lazy');
const script = new Script(readFileSync(source, 'latin1'), { filename: REST_ASSET });
setFlagsFromString('--lazy');
writeFileSync(cache, script.createCachedData());
