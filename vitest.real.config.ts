import { defineConfig } from 'vitest/config';

/** The tests of `npm run test:real`: against real processes, servers, disks and the packed package. Slow; one after the other. */
export default defineConfig({
  test: {
    include: ['tests/real/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // the same as in vitest.config.ts
    retry: process.env['CI'] === undefined ? 0 : 1,
    env: { GIT_CONFIG_NOSYSTEM: '1', TZ: 'UTC', PLUMB_RUN_DOMAIN: 'laptop' },
  },
});
