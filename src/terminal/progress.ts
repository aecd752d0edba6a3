/** Says what takes longer than a second. */

import type { Terminal } from './terminal.ts';

const PATIENCE_MS = 1000;
const FRAME_MS = 100;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const CLEAR_LINE = '\r\u001B[K';

/**
 * Waits for work. If it takes longer than a second, a terminal shows what is being done until it ends; elsewhere nothing
 * is written.
 * @param doing what is done, such as `Signing in to myregistry.azurecr.io`.
 * @returns what the work returns. @throws what it throws.
 */
export async function withProgress<T>(terminal: Terminal, doing: string, work: Promise<T>): Promise<T> {
  if (!terminal.isErrorSeen) return await work;
  let frame = 0;
  let hasLine = false;
  const show = () => {
    hasLine = true;
    terminal.writeError(`${CLEAR_LINE}${terminal.errorStyle('cyan', FRAMES[frame % FRAMES.length] ?? '')} ${doing}`);
    frame += 1;
  };
  let ticker: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    show();
    ticker = setInterval(show, FRAME_MS);
  }, PATIENCE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    clearInterval(ticker);
    if (hasLine) terminal.writeError(CLEAR_LINE);
  }
}
