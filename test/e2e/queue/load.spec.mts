import { test } from '../fixtures.mts';
import { checkLoad, EXECUTIONS } from './load.mts';

test.use({ concurrency: 10 });

for (const { title, ...load } of [
	{ title: 'tasks of five minutes, without callbacks', taskSeconds: 300, events: [] },
	{ title: 'tasks of one minute, with callbacks', taskSeconds: 60, events: ['COMPLETED'] },
]) {
	test(`${EXECUTIONS} executions at one worker bring their videos: ${title}`, async ({
		stage,
		queue,
	}) => {
		test.setTimeout(60 * 60_000);
		await checkLoad(stage, queue, load);
	});
}
