/** Waits for the holder of a lock without asking the disk again and again. */

import { type FSWatcher, watch } from 'node:fs';

/** How often a process that is told of changes looks all the same: nobody is told of a holder that died. */
const WATCHED_WAIT_MS = 250;
/** How long it waits where nobody tells it, as in many shared folders: at first, and at the most. */
const FIRST_WAIT_MS = 8;
const MAX_WAIT_MS = 100;

export class LockWait {
  #watcher: FSWatcher | undefined;
  #waits = 0;
  /** Set when something has changed since the last look. */
  #hasChanged = true;
  #wake: (() => void) | undefined;

  /** @param name of the lock; every file that begins with it is part of it. */
  constructor(folder: string, name: string) {
    try {
      this.#watcher = watch(folder, { persistent: false }, (event, file) => {
        // The holder touches its file while it lives, which is no news.
        if (event !== 'rename' || file?.startsWith(name) === false) return;
        this.#hasChanged = true;
        this.#wake?.();
      });
      this.#watcher.on('error', () => this.close());
    } catch {
      // Too many watchers, or a file system without them.
    }
  }

  /** Waits until another look is worth it: at once the first time, since the lock was not watched when it was tried. */
  async next(): Promise<void> {
    if (!this.#hasChanged) {
      const waitMs =
        this.#watcher === undefined ? Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 1.5 ** this.#waits) : WATCHED_WAIT_MS;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        // Not all at the same moment: they would take the processor from the one they wait for.
        timer = setTimeout(resolve, waitMs * (0.5 + Math.random()));
      });
      clearTimeout(timer);
      this.#wake = undefined;
      this.#waits += 1;
    }
    this.#hasChanged = false;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
