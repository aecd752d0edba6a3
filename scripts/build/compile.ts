/**
 * Compiles a part of the program with the V8 that it will run in: `node compile.ts all|load SOURCE CACHE`.
 *
 * `all` compiles every function, not only those that are called at load: a sign-in calls most of them once, and should
 * not spend time on compiling. The flag for this is reset before the cache is created, since V8 rejects a cache that was
 * made with other flags.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

const [extent = '', source = '', cache = ''] = process.argv.slice(2);
if (extent === 'all') setFlagsFromString('--no-lazy');
const script = new Script(readFileSync(source, 'latin1'), { filename: basename(source) });
setFlagsFromString('--lazy');
writeFileSync(cache, script.createCachedData());
