import { test } from '../fixtures.mts';
import { NEVER } from '../stage.mts';
import { checkLoad, LOAD } from './load.mts';

test.use({
	taskSeconds: NEVER,
	environment: { N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE: 'true' },
});

test(`${LOAD}, where n8n takes sandboxes on demand`, async ({ stage, queue }) => {
	test.setTimeout(60 * 60_000);
	await checkLoad(stage, queue);
});
