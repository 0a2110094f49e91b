// @ts-check
import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../server/problem.mjs';
import { step } from '../../server/progress.mjs';
import { double } from '../lab/doubles.mjs';
import { list, publish } from '../lab/executions.mjs';
import { saveCredentials, WEBHOOK_SECRET } from '../lab/lab.mjs';
import { cpuTime } from '../../server/memory.mjs';
import { postAll } from '../lab/load.mjs';
import { noOp, trigger } from '../lab/nodes.mjs';
import { node, webhook, workflow } from '../../workflow.mjs';
import { pairedRatio } from '../report/figures.mjs';

/** @typedef {import('../../server/session.mjs').Session} Session */
/** @typedef {{ done: number, cpu: number }} Cost milliseconds for one callback: until its execution had finished, and of n8n's CPU */

const RECEIVERS = /** @type {const} */ ({
	ours: 'Kling V2V Trigger',
	bare: 'a trigger of another package that does nothing',
	plain: "n8n's Webhook node, which checks nothing",
});
/** @typedef {keyof typeof RECEIVERS} Receiver */
const names = /** @type {Receiver[]} */ (Object.keys(RECEIVERS));

const AT_ONCE = 20;
const SETTLED_WITHIN_MS = 120_000;
const LOOK_MS = 200;

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function callbacks(lab, { quick }) {
	const count = quick ? 20 : 40;
	const rounds = quick ? 1 : 15;
	return await lab.withN8n(
		async (session, pid) =>
			await step('Callbacks', async (note) => {
				const receivers = await openReceivers(session, pid);
				/** @type {Record<Receiver, Cost[]>} */
				const found = { ours: [], bare: [], plain: [] };
				// The first of each finds n8n cold.
				for (const name of names) await receivers[name](count);
				for (let round = 1; round <= rounds; round++) {
					note(`round ${round} of ${rounds}`);
					// Forwards and backwards in turn: nobody always comes after the same one.
					for (const name of round % 2 ? names : [...names].reverse()) {
						found[name].push(await receivers[name](count));
					}
				}
				return answer(found, count, rounds);
			}),
	);
}

/**
 * Workflows that differ in nothing but what receives.
 *
 * @param {Session} session
 * @param {number} pid n8n's
 */
async function openReceivers(session, pid) {
	// Signed callbacks are believed without asking: no provider is needed.
	const { magnificApi } = await saveCredentials(session, 'http://127.0.0.1:9');
	/** @param {Receiver} name @param {import('../../server/session.mjs').WorkflowNode} receiver @param {string} path */
	const open = async (name, receiver, path) => {
		const { id, url } = await publish(session, workflow(RECEIVERS[name], [receiver, noOp()]), path);
		return async (/** @type {number} */ count) => await receive(session, pid, id, url, count);
	};
	const [ours, bare, plain] = Array.from({ length: 3 }, () => randomUUID());
	const idle = node('Bare', double('bareTrigger'), {}, { typeVersion: 2, webhookId: bare });
	return {
		ours: await open(
			'ours',
			trigger(ours, { magnificApi }, { downloadVideo: false }),
			`${ours}/webhook`,
		),
		bare: await open('bare', idle, `${bare}/webhook`),
		plain: await open('plain', webhook('Webhook', plain), plain),
	};
}

/**
 * @param {Session} session
 * @param {number} pid
 * @param {string} workflowId
 * @param {string} url
 * @param {number} count
 * @returns {Promise<Cost>}
 */
async function receive(session, pid, workflowId, url, count) {
	const finished = async () => await list(session, workflowId, { limit: 100, status: 'success' });
	const before = (await finished()).count;
	const posts = Array.from({ length: count }, signedCallback);
	const cpuBefore = cpuTime(pid);
	const began = Date.now();
	await postAll(url, posts, AT_ONCE);

	const deadline = Date.now() + SETTLED_WITHIN_MS;
	for (;;) {
		const found = await finished();
		if (found.count === before + count) {
			const ends = found.results.map(({ stoppedAt }) => Date.parse(String(stoppedAt)));
			const took = Math.max(...ends) - began;
			return { done: took / count, cpu: (cpuTime(pid) - cpuBefore) / count };
		}
		if (Date.now() > deadline) {
			throw new Problem(`${count} callbacks came to ${found.count - before} finished executions.`);
		}
		await sleep(LOOK_MS);
	}
}

/** News of a finished task, signed as Magnific signs; every one of another task, so that none is a repetition. */
function signedCallback() {
	const taskId = randomUUID();
	const body = JSON.stringify({
		task_id: taskId,
		status: 'COMPLETED',
		generated: [`https://cdn.example.com/${taskId}.mp4?token=exp=4102444800~hmac=00`],
	});
	const id = `msg_${randomUUID()}`;
	const timestamp = String(Math.floor(Date.now() / 1000));
	const signature = createHmac('sha256', WEBHOOK_SECRET)
		.update(`${id}.${timestamp}.${body}`)
		.digest('base64');
	return {
		body,
		headers: {
			'webhook-id': id,
			'webhook-timestamp': timestamp,
			'webhook-signature': `v1,${signature}`,
		},
	};
}

/**
 * @param {Record<Receiver, Cost[]>} found
 * @param {number} count
 * @param {number} rounds
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(found, count, rounds) {
	/** @param {Receiver} name @param {keyof Cost} what */
	const all = (name, what) => found[name].map((cost) => cost[what]);
	/** @param {Receiver} to @param {keyof Cost} what */
	const ratio = (to, what) => pairedRatio(all('ours', what), all(to, what));
	return {
		id: 'f',
		title: 'How much does it cost to check a callback?',
		decision: 'Receive callbacks with the trigger, or with a Webhook node and a check of your own.',
		how: `Published workflows in one n8n, SQLite. ${count} signed callbacks of ${count} tasks, ${AT_ONCE} at once, for each receiver in each of ${rounds} rounds, until their executions have finished. n8n makes a sandbox for expressions at every call of a trigger that is not its own; a trigger that does nothing shows what that costs, and no package can be quicker.`,
		rows: [
			{ what: 'time', against: RECEIVERS.bare, ratio: ratio('bare', 'done'), most: 1.2 },
			{ what: "n8n's CPU", against: RECEIVERS.bare, ratio: ratio('bare', 'cpu'), most: 1.2 },
			{ what: 'time', against: RECEIVERS.plain, ratio: ratio('plain', 'done') },
			{ what: "n8n's CPU", against: RECEIVERS.plain, ratio: ratio('plain', 'cpu') },
		],
	};
}
