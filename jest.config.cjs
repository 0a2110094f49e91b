/** @type {import('jest').Config} */
module.exports = {
	testEnvironment: '<rootDir>/test/engine/jestEnvironment.cjs',
	testMatch: ['<rootDir>/test/**/*.test.mts'],
	moduleFileExtensions: ['mts', 'ts', 'js', 'mjs', 'cjs', 'json'],
	transform: {
		'\\.m[jt]s$': [
			'@swc/jest',
			{
				jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
				module: { type: 'commonjs' },
			},
		],
	},
	setupFiles: ['<rootDir>/test/engine/environment.cjs'],
	// Two cores: the emulator and the tests share them.
	maxWorkers: 2,
	// Only a test that hangs comes so far: no test asserts on how long anything takes.
	testTimeout: 180_000,
	// What runs is the built package; its source maps lead back. The report lies where no linter looks.
	coverageProvider: 'v8',
	collectCoverageFrom: ['dist/**/*.js'],
	coverageDirectory: '<rootDir>/node_modules/.cache/coverage',
	coverageReporters: ['text', 'html'],
};
