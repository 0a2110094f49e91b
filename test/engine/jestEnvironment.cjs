'use strict';

const { TestEnvironment } = require('jest-environment-node');

/**
 * Jest gives its workers half a second to end. n8n's engine leaves a heap of hundreds of megabytes, and a busy machine takes
 * longer to take that down object by object: a worker that has nothing more to do leaves it to the system at once.
 */
if (process.send) process.once('exit', (code) => process.exit(code));

module.exports = TestEnvironment;
