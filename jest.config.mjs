// Tests are compiled by `tsc -b` and run as they are, as modules of Node itself: Jest's own loader reads every module anew for every file,
// which took most of the time. Run them by `npm test`, which sets up what they need.
export default {
  runner: ['<rootDir>/test/lightRunner.mjs', { runtime: 'child_process' }],
  transform: {},
  roots: ['<rootDir>/packages', '<rootDir>/examples', '<rootDir>/test'],
  testMatch: ['**/dist/**/*.test.js'],
  setupFiles: [
    '<rootDir>/test/ownServers.mjs',
    '<rootDir>/test/fastCheck.mjs',
    '<rootDir>/test/timeLimits.mjs',
  ],
  testSequencer: '<rootDir>/test/longestFirst.mjs',
  // Many suites wait for blocks and processes most of the time: four keep two cores busy.
  maxWorkers: 4,
  reporters: ['default', '<rootDir>/test/slowestSuites.mjs'],
};
