// Tests are compiled by `tsc -b` and run as they are: ESM, no transform. Run them by `npm test`, which sets up what they need.
export default {
  testEnvironment: 'node',
  transform: {},
  roots: ['<rootDir>/packages', '<rootDir>/examples', '<rootDir>/test'],
  testMatch: ['**/dist/**/*.test.js'],
  setupFiles: ['<rootDir>/test/fastCheck.mjs'],
  testTimeout: 120_000,
  maxWorkers: 2,
  // Every test file loads its modules anew and Node gives back little of it; a grown worker is replaced.
  workerIdleMemoryLimit: '1GB',
  errorOnDeprecated: true,
  reporters: ['default', '<rootDir>/test/slowestSuites.mjs'],
};
