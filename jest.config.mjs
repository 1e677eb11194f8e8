// Tests are compiled by `tsc -b` and run as they are: ESM, no transform. Run them by `npm test`, which sets up what they need.
export default {
  testEnvironment: 'node',
  transform: {},
  roots: ['<rootDir>/packages', '<rootDir>/examples', '<rootDir>/test'],
  testMatch: ['**/dist/**/*.test.js'],
  haste: { enableSymlinks: false },
  testTimeout: 30_000,
  maxWorkers: 2,
  injectGlobals: true,
  errorOnDeprecated: true,
};
