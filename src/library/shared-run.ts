/** A run whose result several callers wait for. It is called off when none of them is left. */

export class SharedRun<T> {
  readonly result: Promise<T>;
  readonly #controller = new AbortController();
  #waiting = 0;

  /** @param start begins the run. Its signal aborts when nobody waits any more. */
  constructor(start: (signal: AbortSignal) => Promise<T>) {
    this.result = start(this.#controller.signal);
    this.result.catch(() => {}); // those who wait report it
  }

  /** Whether nobody waits for it any more. */
  get isCalledOff(): boolean {
    return this.#controller.signal.aborted;
  }

  /**
   * Waits for the result.
   * @throws the failure of the run; the reason of the signal when that aborts first.
   */
  async join(signal: AbortSignal | undefined): Promise<T> {
    this.#waiting += 1;
    let leave = () => {};
    try {
      if (signal === undefined) return await this.result;
      const left = new Promise<never>((_, reject) => {
        leave = () => reject(signal.reason);
        signal.addEventListener('abort', leave, { once: true });
      });
      return await Promise.race([this.result, left]);
    } finally {
      signal?.removeEventListener('abort', leave);
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#controller.abort();
    }
  }
}
