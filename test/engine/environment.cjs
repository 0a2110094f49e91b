'use strict';

/** n8n-core reads these when it is first imported: each test file gets a home of its own. */
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

process.env.N8N_USER_FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), 'kling-v2v-test-'));
process.env.N8N_ENCRYPTION_KEY = 'a key for tests only';
process.env.N8N_LOG_LEVEL = 'silent';
require('reflect-metadata');
