// @ts-check
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stage } from '../stage.mjs';
import { checkVideos } from '../videos.mjs';
import { GENERATE, call, publishBatch } from '../workflows.mjs';
import { expectSuccess } from './expect.mjs';

const RESULT_BYTES = 1e9;
const WARM_UP_BYTES = 50e6;
const MOST_BYTES = 64e6;
const SAMPLE_MS = 50;

/** @param {number} pid @returns {number} bytes of memory that a process has in use */
function residentBytes(pid) {
	const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
	return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/**
 * A result of any size goes through n8n in small pieces.
 *
 * @param {import('../world.mjs').World} world
 * @returns {import('../report.mjs').Case}
 */
export const memoryCase = (world) => ({
	name: 'memory for a result of 1 GB',
	run: async (note) =>
		await Stage.for(world, { taskSeconds: 1 }, async (stage) => {
			if (process.platform !== 'linux') return 'not measured: it is read from /proc';
			const download = async (/** @type {number} */ resultBytes) => {
				await stage.set({ resultBytes });
				const execution = await world.session.executionEnd(
					await call(stage, await publishBatch(stage, {}), ['@Video1 at night']),
					{ timeoutMs: 180_000 },
				);
				expectSuccess(execution);
				return execution;
			};
			// The first run loads code and fills caches, which is no matter of size.
			note('warming up');
			for (let runs = 0; runs < 4; runs++) await download(WARM_UP_BYTES);
			await sleep(2000);

			note('1 GB');
			const base = residentBytes(world.runner.pid);
			let peak = base;
			const sampling = setInterval(() => {
				peak = Math.max(peak, residentBytes(world.runner.pid));
			}, SAMPLE_MS);
			const began = Date.now();
			const execution = await download(RESULT_BYTES).finally(() => clearInterval(sampling));
			const took = (Date.now() - began) / 1000;

			note('comparing');
			const bytes = await checkVideos(stage, execution, { [GENERATE]: { binary: 1, files: 0 } });
			assert.equal(bytes, RESULT_BYTES);
			const megabytes = (/** @type {number} */ n) => `${Math.round(n / 1e6)} MB`;
			const measured = `${megabytes(peak - base)} over ${megabytes(base)}, ${took.toFixed(1)} s`;
			assert.ok(peak - base < MOST_BYTES, `${measured}: more than ${megabytes(MOST_BYTES)}`);
			return measured;
		}),
});
