/** Waits while the process has nothing to do, and ends when it is asked to. */

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Waits. As the first process of a container, this process would otherwise ignore these signals.
 * @returns whether the process was asked to end meanwhile.
 */
export function waitUnlessTerminated(durationMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (isTerminated: boolean) => {
      clearTimeout(timer);
      for (const signal of SIGNALS) process.off(signal, end);
      resolve(isTerminated);
    };
    const end = () => finish(true);
    const timer = setTimeout(() => finish(false), durationMs);
    for (const signal of SIGNALS) process.on(signal, end);
  });
}
