import { defineConfig } from 'vitest/config';

/** The tests of `npm test`: beside the source, and stories that cross folders in tests/. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'actions/**/*.test.ts', 'tests/*.test.ts'],
    setupFiles: ['tests/temporary-folder.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // waits end when the state is there: a busy machine only takes longer to come to it
    expect: { poll: { timeout: 20_000 } },
    // a machine of CI is shared: a test that fails there is tried once more, and both are told
    retry: process.env['CI'] === undefined ? 0 : 1,
    // a runner's own git settings and variables must not decide a test
    env: { GIT_CONFIG_NOSYSTEM: '1', TZ: 'UTC', PLUMB_RUN_DOMAIN: 'laptop' },
  },
});
