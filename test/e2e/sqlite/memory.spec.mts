import { setTimeout as sleep } from 'node:timers/promises';
import { watchMemory } from '../../../dev/server/memory.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, measured, test } from '../fixtures.mts';
import { checkVideos } from '../videos.mts';
import { AWAKE, call, GENERATE, publishBatch } from '../workflows.mts';

const RESULT_BYTES = 1e9;
const WARM_UP_BYTES = 50e6;
const MOST_BYTES = 64e6;

test.use({ taskSeconds: 1 });

test('A result of 1 GB goes through n8n in small pieces', async ({ stage, instance }) => {
	// In a process that has not yet done much else.
	await instance.restart();
	const download = async (resultBytes: number) => {
		await stage.emulator.set({ resultBytes });
		const execution = await instance.session.executionEnd(
			await call(stage, await publishBatch(stage, { parameters: AWAKE }), ['@Video1 at night']),
		);
		expectSuccess(execution);
		return execution;
	};
	// The first run loads code and fills caches, which is no matter of size.
	for (let runs = 0; runs < 4; runs++) await download(WARM_UP_BYTES);
	await sleep(2000);

	const memory = await watchMemory(instance.runner.pid);
	const execution = await download(RESULT_BYTES);
	const bytesMore = memory.stop() - memory.base;

	const bytes = await checkVideos(stage, execution, { [GENERATE]: { binary: 1, files: 0 } });
	expect(bytes).toBe(RESULT_BYTES);
	measured(`${Math.round(bytesMore / 1e6)} MB over ${Math.round(memory.base / 1e6)} MB`);
	expect(bytesMore, 'bytes of memory for the result').toBeLessThan(MOST_BYTES);
});
