import { test } from '../fixtures.mts';
import { NEVER } from '../stage.mts';
import { checkLoad, LOAD } from './load.mts';

test.use({ taskSeconds: NEVER });

test(LOAD, async ({ stage, queue }) => {
	test.setTimeout(60 * 60_000);
	await checkLoad(stage, queue);
});
