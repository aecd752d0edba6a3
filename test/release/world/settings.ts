/** Settings of a person's shell, which must not change a release. */

/** Runs a task with these variables and a strict umask, and restores both. */
export async function withSettings<Result>(
  settings: Readonly<Record<string, string>>,
  task: () => Promise<Result>,
): Promise<Result> {
  const before = Object.keys(settings).map((name) => [name, process.env[name]] as const);
  const mask = process.umask(0o077);
  try {
    Object.assign(process.env, settings);
    return await task();
  } finally {
    process.umask(mask);
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
