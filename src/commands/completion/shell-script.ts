/** Writes the completion script of a shell. */

import { script } from '@bomb.sh/tab';
import { formatBashScript, formatZshScript } from './own-scripts.ts';

/**
 * Writes the script with which a shell completes a program's arguments. It calls `NAME complete -- words…`.
 * @param shell one of `SHELLS`.
 * @param programName without characters that a shell would evaluate.
 */
export function formatScript(shell: string, programName: string): string {
  if (shell === 'bash') return formatBashScript(programName);
  if (shell === 'zsh') return formatZshScript(programName);
  return capturePrinted(() => script(shell, programName, programName));
}

/** The library prints its scripts, and returns nothing. */
function capturePrinted(print: () => void): string {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, 'console') ?? {};
  let printed = '';
  const log = (text: string) => {
    printed += `${text}\n`;
  };
  Object.defineProperty(globalThis, 'console', { ...descriptor, value: { log }, writable: true, configurable: true });
  try {
    print();
  } finally {
    Object.defineProperty(globalThis, 'console', descriptor);
  }
  return printed;
}
