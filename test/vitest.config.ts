/** The suites: unit, properties and integration in process, tests of the scripts, the documents and the emulator, real clients on the built executable, and a real cluster. */
import { defineConfig } from 'vitest/config';
import { CountReporter } from '../scripts/test/count-reporter.ts';

// The test command names a file for the count.
const countFile = process.env['TEST_COUNT_FILE'];

export default defineConfig({
  test: {
    root: `${import.meta.dirname}/..`,
    // Many tests wait, for a timer or for a real client, so three files at once keep two cores busy.
    maxWorkers: 3,
    // A test file changes nothing that another one could see, and a process of its own for each takes half a second.
    isolate: false,
    teardownTimeout: 60_000,
    allowOnly: false,
    ...(countFile === undefined ? {} : { reporters: ['default', new CountReporter(countFile)] }),
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      // A property that fails in a long run is shrunk after its time is over.
      { extends: true, test: { name: 'fuzz', include: ['test/fuzz/**/*.test.ts'], testTimeout: 60_000 } },
      { extends: true, test: { name: 'scripts', include: ['test/scripts/**/*.test.ts'] } },
      { extends: true, test: { name: 'docs', include: ['test/docs/**/*.test.ts'], testTimeout: 60_000 } },
      { extends: true, test: { name: 'integration', include: ['test/integration/**/*.test.ts'], testTimeout: 20_000 } },
      { extends: true, test: { name: 'emulator', include: ['test/emulator/**/*.test.ts'], testTimeout: 20_000 } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: { name: 'release', include: ['test/release/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 180_000 },
      },
      {
        extends: true,
        test: { name: 'cluster', include: ['test/cluster/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
      },
    ],
  },
});
