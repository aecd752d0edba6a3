/** Waits for the holder of a lock. Watches the folder where the system allows it, instead of polling. */

import { type FSWatcher, watch } from 'node:fs';

/** How long to wait at most while the folder is watched: a holder that dies causes no event. */
const WATCHED_WAIT_MS = 250;
/** The first and the longest wait while the folder cannot be watched, as with many shared folders. */
const FIRST_WAIT_MS = 8;
const MAX_WAIT_MS = 100;

/** The waits of one process for one lock. */
export class LockWait {
  #watcher: FSWatcher | undefined;
  #waits = 0;
  /** Whether the lock may have changed since the last attempt. */
  #hasChanged = true;
  #wake: (() => void) | undefined;

  /** @param name the name of the lock; every file whose name begins with it belongs to the lock. */
  constructor(folder: string, name: string) {
    try {
      this.#watcher = watch(folder, { persistent: false }, (event, file) => {
        // The holder touches its file all the time: only new, renamed and removed files matter.
        if (event !== 'rename' || file?.startsWith(name) === false) return;
        this.#hasChanged = true;
        this.#wake?.();
      });
      this.#watcher.on('error', () => this.close());
    } catch {
      // There are too many watchers, or the file system has none.
    }
  }

  /**
   * Waits until another attempt makes sense. The first call returns at once: the first attempt was before the watch.
   */
  async next(): Promise<void> {
    if (!this.#hasChanged) {
      const waitMs =
        this.#watcher === undefined ? Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 1.5 ** this.#waits) : WATCHED_WAIT_MS;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        // Random, so that the waiting processes do not wake up together and slow down the one that signs in.
        timer = setTimeout(resolve, waitMs * (0.5 + Math.random()));
      });
      clearTimeout(timer);
      this.#wake = undefined;
      this.#waits += 1;
    }
    this.#hasChanged = false;
  }

  /** Stops watching. */
  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
