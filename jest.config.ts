import type { Config } from 'jest';

const config: Config = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } }],
  },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: process.env.STRUCTDB_MATRIX ? [] : ['<rootDir>/test/matrix/'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.structdb'],
  setupFiles: ['<rootDir>/test/support/use-scratch.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  // Only for what hangs: a shared machine may take several times as long as an idle one.
  testTimeout: 300_000,
  maxWorkers: 2,
};

export default config;
