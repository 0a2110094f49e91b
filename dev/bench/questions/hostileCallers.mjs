// @ts-check
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { double } from '../lab/doubles.mjs';
import { list, publish } from '../lab/executions.mjs';
import { finishedTask, saveCredentials } from '../lab/lab.mjs';
import { cpuTime, resident, watchMemory } from '../../server/memory.mjs';
import { noOp, trigger } from '../lab/nodes.mjs';
import { node, webhook, workflow } from '../../workflow.mjs';
import { digits } from '../report/figures.mjs';
import { signedCallback } from './callbacks.mjs';

/** @typedef {import('../../server/session.mjs').Session} Session */

const RECEIVERS = /** @type {const} */ ({
	ours: 'Kling V2V Trigger',
	plain: 'Webhook node',
	bare: 'bare trigger of another package',
});
/** @typedef {keyof typeof RECEIVERS} Receiver */
const names = /** @type {Receiver[]} */ (Object.keys(RECEIVERS));

const TRUE_CALLERS = 20;
const PATIENCE_MS = 240_000;
const PAUSE_MS = 500;
const LOOK_MS = 2_000;
/** n8n has nothing to do where it works for less than this share of the time. */
const IDLE = 0.04;
/** Faster, n8n itself turns callers away with 503: its database is late. */
const BETWEEN_MS = 50;
const MEGABYTE = 1024 * 1024;

/**
 * @typedef {{ served: number, base: number, peak: number, held: number, open: number }} Slow megabytes; connections that are open at the end
 * @typedef {{ served: number, started: number, lookups: number, lists: number, peak: number, base: number }} Flood
 */

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function hostileCallers(lab, { quick }) {
	const connections = quick ? 30 : 150;
	const forged = quick ? 100 : 300;
	/** @type {Partial<Record<Receiver, Slow>>} */
	const slow = {};
	for (const name of names) {
		// Each in an n8n of its own, so that no memory of another is counted.
		slow[name] = await lab.withN8n(async (session, pid) => {
			const { url } = await receiver(session, name, 'signature', 'http://127.0.0.1:9');
			return await slowCallers(url, pid, connections);
		});
	}
	const flood = await lab.withEmulator({}, async (emulator) =>
		lab.withN8n(async (session, pid) => {
			const { id, url } = await receiver(session, 'ours', 'recheck', emulator.apiUrl);
			return await invented(session, { id, url, pid, emulator, forged });
		}),
	);
	return answer(/** @type {Record<Receiver, Slow>} */ (slow), flood, { connections, forged });
}

/** @param {Session} session @param {Receiver} name @param {string} authentication @param {string} apiUrl */
async function receiver(session, name, authentication, apiUrl) {
	const { magnificApi } = await saveCredentials(session, apiUrl);
	const path = randomUUID();
	const nodes = {
		ours: () => trigger(path, { magnificApi }, { authentication, downloadVideo: false }),
		plain: () => webhook('Webhook', path),
		bare: () => node('Bare', double('bareTrigger'), {}, { typeVersion: 2, webhookId: path }),
	};
	const at = name === 'plain' ? path : `${path}/webhook`;
	return await publish(session, workflow(RECEIVERS[name], [nodes[name](), noOp()]), at);
}

/** Callers that send the head of a JSON callback and one byte of its body. @param {string} url @param {number} pid @param {number} count @returns {Promise<Slow>} */
async function slowCallers(url, pid, count) {
	await trueCallers(url, 3);
	await idle(pid);
	const base = await resident(pid);
	const memory = await watchMemory(pid);
	const sockets = [];
	for (let n = 0; n < count; n++) sockets.push(await slowCaller(url));
	const served = await trueCallers(url, TRUE_CALLERS);
	const peak = memory.stop();
	await idle(pid);
	const held = await resident(pid);
	const open = sockets.filter((socket) => !socket.destroyed).length;
	for (const socket of sockets) socket.destroy();
	return { served, base: base / MEGABYTE, peak: peak / MEGABYTE, held: held / MEGABYTE, open };
}

/** Waits until n8n has worked off all that was sent, however busy the machine is. @param {number} pid */
async function idle(pid) {
	for (let quiet = 0; quiet < 3; ) {
		const [before, began] = [cpuTime(pid), Date.now()];
		await sleep(LOOK_MS);
		quiet = cpuTime(pid) - before < IDLE * (Date.now() - began) ? quiet + 1 : 0;
	}
}

/** @param {string} url @returns {Promise<net.Socket>} */
async function slowCaller(url) {
	const { hostname, port, pathname } = new URL(url);
	const { body, headers } = signedCallback();
	const lines = Object.entries({
		host: 'n8n',
		'content-type': 'application/json',
		'content-length': String(Buffer.byteLength(body)),
		...headers,
	}).map(([name, value]) => `${name}: ${value}\r\n`);
	const socket = net.connect(Number(port), hostname);
	socket.on('error', () => {}).resume();
	await new Promise((resolve) => socket.once('connect', resolve));
	socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n{`);
	return socket;
}

/** @param {string} url @param {number} count @returns {Promise<number>} how many were answered with 200 in time */
async function trueCallers(url, count) {
	const statuses = await Promise.all(
		Array.from({ length: count }, async () => await post(url, signedCallback())),
	);
	return statuses.filter((status) => status === 200).length;
}

/**
 * Calls n8n until the receiver answers: where too much is asked of n8n, its database is late, and n8n itself turns
 * callers away with 503 before it has looked at their call.
 *
 * @param {string} url
 * @param {{ body: string, headers?: Record<string, string> }} call
 * @returns {Promise<number>} the status, or 0 where there was no answer in time
 */
async function post(url, { body, headers }) {
	const signal = AbortSignal.timeout(PATIENCE_MS);
	try {
		for (;;) {
			const response = await fetch(url, {
				method: 'POST',
				headers: { 'content-type': 'application/json', ...headers },
				body,
				signal,
			});
			const isLate = response.status === 503 && (await response.text()).includes('Database');
			if (!isLate) return response.status;
			await sleep(PAUSE_MS);
		}
	} catch {
		return 0;
	}
}

/** @param {string} taskId */
const completed = (taskId) =>
	JSON.stringify({
		task_id: taskId,
		status: 'COMPLETED',
		generated: ['https://example.com/a.mp4'],
	});

/**
 * Invented task IDs, and true callbacks right behind them.
 *
 * @param {Session} session
 * @param {{ id: string, url: string, pid: number, emulator: import('../lab/lab.mjs').Emulator, forged: number }} flood
 * @returns {Promise<Flood>}
 */
async function invented(session, { id, url, pid, emulator, forged }) {
	const ids = [];
	while (ids.length < TRUE_CALLERS) ids.push(await finishedTask(emulator));
	await post(url, { body: completed(await finishedTask(emulator)) });
	await idle(pid);
	const memory = await watchMemory(pid);
	const calls = [];
	for (let n = 0; n < forged; n++) {
		calls.push(post(url, { body: completed(randomUUID()) }));
		await sleep(BETWEEN_MS);
	}
	const statuses = await Promise.all(ids.map((taskId) => post(url, { body: completed(taskId) })));
	const peak = memory.stop() / MEGABYTE;
	const { requests } = await emulator.state();
	const count = (/** @type {string} */ action) =>
		requests.filter((/** @type {{ action: string }} */ each) => each.action === action).length;
	await Promise.all(calls);
	const executions = await list(session, id);
	return {
		served: statuses.filter((status) => status === 200).length,
		started: executions.count - 1,
		lookups: count('status') - 1,
		lists: count('list'),
		base: memory.base / MEGABYTE,
		peak,
	};
}

/**
 * @param {Record<Receiver, Slow>} slow
 * @param {Flood} flood
 * @param {{ connections: number, forged: number }} sent
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(slow, flood, { connections, forged }) {
	const growth = (/** @type {Receiver} */ name) => slow[name].peak - slow[name].base;
	return {
		id: 'h',
		title: 'What do hostile callers cost?',
		how: [
			`Each receiver in an n8n of its own, with SQLite. ${connections} connections send the head of a JSON callback and one byte of its body, and wait. Right behind them ${TRUE_CALLERS} true callers send their callbacks; one counts as served when it is answered with 200; what n8n turns away with 503 because its database is late is sent again. The memory is n8n's resident memory before, its peak until the true callers have their answers, and what is held when n8n has worked off all it can. n8n reads the body itself before it calls most nodes, and holds a sandbox for expressions meanwhile; the Kling V2V Trigger is called as soon as the head is there, gives the sandbox back, and answers slow callers after ten seconds. n8n spares its own Webhook node the sandbox.`,
			`Then a flood for a trigger that asks the API: ${forged} callbacks with invented task IDs, one every ${BETWEEN_MS} ms, and right behind them ${TRUE_CALLERS} true ones at once.`,
		],
		tables: [
			{
				caption: `${connections} connections that send one byte`,
				columns: [
					'receiver',
					'before',
					'peak',
					'growth',
					'held',
					'still open',
					'true callers served',
				],
				rows: names.map((name) => [
					RECEIVERS[name],
					`${digits(slow[name].base)} MB`,
					`${digits(slow[name].peak)} MB`,
					`${digits(growth(name))} MB`,
					`${digits(slow[name].held)} MB`,
					String(slow[name].open),
					`${slow[name].served} of ${TRUE_CALLERS}`,
				]),
			},
			{
				caption: `${forged} invented task IDs, Ask API`,
				columns: [
					'true callers served',
					'executions',
					'look-ups',
					'lists',
					'memory before',
					'peak',
				],
				rows: [
					[
						`${flood.served} of ${TRUE_CALLERS}`,
						String(flood.started),
						String(flood.lookups),
						String(flood.lists),
						`${digits(flood.base)} MB`,
						`${digits(flood.peak)} MB`,
					],
				],
			},
		],
		targets: [
			{
				text: 'slow callers: every true caller is served',
				measured: `${slow.ours.served} of ${TRUE_CALLERS}`,
				met: slow.ours.served === TRUE_CALLERS,
			},
			{
				text: 'slow callers: less memory than at another trigger',
				measured: `${digits(growth('ours'))} MB against ${digits(growth('bare'))} MB`,
				met: growth('ours') < growth('bare'),
			},
			{
				text: 'invented task IDs: every true caller is served, and nothing else starts an execution',
				measured: `${flood.served} served, ${flood.started} executions`,
				met: flood.served === TRUE_CALLERS && flood.started === TRUE_CALLERS,
			},
		],
		pictures: [],
		losses:
			growth('ours') > growth('plain')
				? [
						`${connections} slow connections cost n8n ${digits(growth('ours'))} MB at the trigger and ${digits(growth('plain'))} MB at its own Webhook node.`,
					]
				: [],
	};
}
