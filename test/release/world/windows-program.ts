/** The program on Windows, as `npm install` puts it there. */

import { copyFileSync, mkdirSync } from 'node:fs';
import type { Windows } from './wine.ts';

const FOLDER = 'C:\\Program Files\\nodejs\\node_modules\\docker-credential-acr';

/** Unpacks the npm package of the release. @returns the path of the program's script. */
export function installProgram(windows: Windows): string {
  mkdirSync(windows.findHere(FOLDER), { recursive: true });
  copyFileSync('/tmp/wine-work/helper.cjs', windows.findHere(`${FOLDER}\\helper.cjs`));
  return `${FOLDER}\\helper.cjs`;
}
