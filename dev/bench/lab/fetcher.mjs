// @ts-check
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Problem } from '../../server/problem.mjs';
import { size } from '../../server/progress.mjs';
import { double } from './doubles.mjs';
import { callable, nodeRun } from './executions.mjs';
import { API_KEY, finishedTask, saveCredentials } from './lab.mjs';
import { cpuTime } from '../../server/memory.mjs';
import { AS_FILE, httpRequest, taskStatus, WHEN_DONE } from './nodes.mjs';
import { node, webhook, workflow } from '../../workflow.mjs';

/** Four ways to fetch a finished result within n8n. */
export const WAYS = /** @type {const} */ ({
	ours: 'Kling Task Status, Download',
	buffered: 'into memory, then stored',
	http: 'HTTP Request, response as file',
	bare: 'bare stream to a file',
});

/** @typedef {keyof typeof WAYS} Way */
/** @typedef {{ milliseconds: number, cpuMilliseconds: number }} Fetch */
export const ways = /** @type {Way[]} */ (Object.keys(WAYS));

/**
 * @param {import('./lab.mjs').Lab} lab
 * @param {import('../../server/session.mjs').Session} session
 * @param {number} pid n8n's
 * @param {import('./lab.mjs').Emulator} emulator
 */
export async function fetcher(lab, session, pid, emulator) {
	const credentials = await saveCredentials(session, emulator.apiUrl);
	const bareFolder = path.join(lab.folder, 'bare');
	const storeFolder = path.join(lab.userFolder, '.n8n/storage/workflows');
	fs.mkdirSync(bareFolder, { recursive: true });

	const url = '={{ $json.body.url }}';
	const nodes = {
		ours: taskStatus(credentials, { operation: 'download', taskId: '={{ $json.body.taskId }}' }),
		buffered: node('Buffered', double('buffered'), { url }),
		http: httpRequest('HTTP Request', url, AS_FILE),
		bare: node('Bare Stream', double('bareStream'), { url, file: path.join(bareFolder, 'clip') }),
		collect: node('Collect', double('collectGarbage'), {}),
	};
	/** @param {keyof typeof nodes} name */
	const answering = async (name) => {
		const asked = webhook('Webhook', `bench-${randomUUID()}`, WHEN_DONE);
		return await callable(session, workflow(name, [asked, nodes[name]]));
	};
	const calls = {
		ours: await answering('ours'),
		buffered: await answering('buffered'),
		http: await answering('http'),
		bare: await answering('bare'),
	};
	const collect = await answering('collect');

	return {
		collectGarbage: async () => void (await collect({})),

		/** @param {Way} way @param {number} bytes @returns {Promise<Fetch>} */
		fetchOnce: async (way, bytes) => {
			const taskId = await finishedTask(emulator, { resultBytes: bytes });
			const asked = { taskId, url: await linkOf(emulator, taskId) };
			const cpuBefore = cpuTime(pid);
			const { execution } = await calls[way](asked);
			const cpuMilliseconds = cpuTime(pid) - cpuBefore;
			takeAway(way === 'bare' ? bareFolder : storeFolder, bytes);
			return { milliseconds: nodeRun(execution, nodes[way].name).milliseconds, cpuMilliseconds };
		},
	};
}

/** @param {import('./lab.mjs').Emulator} emulator @param {string} taskId */
async function linkOf({ apiUrl }, taskId) {
	const response = await fetch(`${apiUrl}/v1/ai/reference-to-video/kling-v3-omni/${taskId}`, {
		headers: { 'x-magnific-api-key': API_KEY },
	});
	const { data } = /** @type {any} */ (await response.json());
	return data.generated[0];
}

/**
 * Looks that the whole file has come, and removes it: a full disk would be the slowest way of all.
 *
 * @param {string} folder
 * @param {number} bytes
 */
function takeAway(folder, bytes) {
	const found = fs
		.readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => path.join(entry.parentPath, entry.name))
		.filter((file) => fs.statSync(file).size >= bytes);
	if (found.length !== 1) {
		throw new Problem(
			`A file of ${size(bytes)} should have come once, and has come ${found.length} times.`,
		);
	}
	for (const file of found) fs.rmSync(file);
}
