// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../setup.mjs';
import { startChild, tail } from './children.mjs';
import { Problem } from './problem.mjs';

const READY_WITHIN_MS = 60_000;

/**
 * @typedef {object} Addresses
 * @property {string} apiUrl of both providers' APIs
 * @property {string} mediaUrl of reference and result videos
 * @property {string} controlUrl for looking into the emulator
 *
 * @typedef {Addresses & { ended: import('./children.mjs').Child['ended'], stop: () => Promise<void>, ask: (path: string, change?: { method?: string, body?: unknown }) => Promise<any> }} RunningEmulator
 *   `ask`: its control address, which is also where it is told what to do
 */

/**
 * Starts the emulator of both providers in a process of its own.
 *
 * @param {{ port?: number, mediaPort?: number, taskSeconds: number, log: string }} options without a port, a free one is taken
 * @returns {Promise<RunningEmulator>}
 */
export async function startEmulator({ port = 0, mediaPort = 0, taskSeconds, log }) {
	fs.mkdirSync(path.dirname(log), { recursive: true });
	fs.rmSync(log, { force: true });

	/** @type {(addresses: Addresses) => void} */
	let ready = () => {};
	/** @type {Promise<Addresses>} */
	const addresses = new Promise((resolve) => (ready = resolve));
	const child = startChild(
		'emulator',
		process.execPath,
		[
			path.join(root, 'dev/emulator/main.mjs'),
			...[
				'--port',
				String(port),
				'--media-port',
				String(mediaPort),
				'--task-seconds',
				String(taskSeconds),
			],
		],
		{
			cwd: root,
			leashed: true,
			log,
			onLine: (line) => {
				if (line.startsWith('{"emulator":true')) ready(JSON.parse(line));
			},
		},
	);

	/** @type {NodeJS.Timeout | undefined} */
	let timer;
	const failed = Promise.race([
		child.ended.then(
			({ code, signal }) => `it ended ${signal ? `by ${signal}` : `with code ${code}`}`,
		),
		new Promise((resolve) => {
			timer = setTimeout(
				resolve,
				READY_WITHIN_MS,
				`it was not ready within ${READY_WITHIN_MS / 1000} s`,
			);
		}),
	]).then(async (why) => {
		await child.stop();
		throw new Problem(`The emulator did not start, ${why}: its log is ${log}.`, {
			details: tail(log),
		});
	});
	try {
		const found = await Promise.race([addresses, failed]);
		failed.catch(() => {});
		return {
			...found,
			ended: child.ended,
			stop: child.stop,
			ask: async (question, { method = 'GET', body } = {}) => {
				const response = await fetch(found.controlUrl + question, {
					method,
					...(body !== undefined && {
						headers: { 'content-type': 'application/json' },
						body: JSON.stringify(body),
					}),
				});
				if (!response.ok)
					throw new Error(
						`The emulator answered ${method} ${question} with ${response.status}: ${await response.text()}`,
					);
				return await response.json();
			},
		};
	} finally {
		clearTimeout(timer);
	}
}
