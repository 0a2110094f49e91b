// @ts-check
import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../server/problem.mjs';
import { step } from '../../server/progress.mjs';
import { double } from '../lab/doubles.mjs';
import { list, publish } from '../lab/executions.mjs';
import { API_KEY, saveCredentials, WEBHOOK_SECRET } from '../lab/lab.mjs';
import { cpuTime } from '../lab/memory.mjs';
import { postAll } from '../lab/load.mjs';
import { inLine, node, noOp, TRIGGER, trigger, webhook } from '../lab/workflows.mjs';
import { bars } from '../report/chart.mjs';
import { digits, median, pairedRatio, times } from '../report/figures.mjs';

/** @typedef {import('../../server/session.mjs').Session} Session */
/**
 * @typedef {object} Rate
 * @property {number} answered callbacks in a second
 * @property {number} done the same, with their executions finished
 * @property {number} cpu milliseconds that n8n works on one
 */

const RECEIVERS = /** @type {const} */ ({
	ours: 'Kling V2V Trigger',
	plain: 'Webhook node',
	checked: 'Webhook node, Header Auth',
	bare: 'bare trigger of another package',
});
/** @typedef {keyof typeof RECEIVERS} Receiver */
const names = /** @type {Receiver[]} */ (Object.keys(RECEIVERS));

const AT_ONCE = 20;
const SETTLED_WITHIN_MS = 120_000;
const LOOK_MS = 500;

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function callbacks(lab, { quick }) {
	const count = quick ? 20 : 60;
	const rounds = quick ? 1 : 5;
	const rates = await lab.withN8n(async (session, pid) =>
		step('Callbacks', async (note) => {
			const receivers = await openReceivers(session, pid);
			/** @type {Record<Receiver, Rate[]>} */
			const found = { ours: [], plain: [], checked: [], bare: [] };
			// The first of each finds n8n cold.
			for (const name of names) await receivers[name](count / 5);
			for (let round = 1; round <= rounds; round++) {
				note(`round ${round} of ${rounds}`);
				// Forwards and backwards in turn: nobody always comes after the same one.
				for (const name of round % 2 ? names : [...names].reverse()) {
					found[name].push(await receivers[name](count));
				}
			}
			return found;
		}),
	);
	return answer(rates, count, rounds);
}

/**
 * Workflows that differ in nothing but the node that receives.
 *
 * @param {Session} session
 * @param {number} pid n8n's
 */
async function openReceivers(session, pid) {
	// Signed callbacks are believed without asking: no provider is needed.
	const credentials = await saveCredentials(session, 'http://127.0.0.1:9');
	/** @param {Receiver} name @param {import('../../server/session.mjs').WorkflowNode} first @param {string} path */
	const receiver = async (name, first, path) => {
		const { id, url } = await publish(session, inLine(RECEIVERS[name], [first, noOp()]), path);
		return async (/** @type {number} */ count) => await receive(session, pid, id, url, count);
	};
	const typeVersion = await newestVersion(session);
	const [ours, plain, checked, bare] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
	const bareTrigger = node('Bare', double('bareTrigger'), {}, { webhookId: bare });
	const withKey = {
		...webhook(checked, { authentication: 'headerAuth' }),
		credentials: { httpHeaderAuth: credentials.httpHeaderAuth },
	};
	return {
		ours: await receiver(
			'ours',
			trigger(ours, credentials, { typeVersion, parameters: { downloadVideo: false } }),
			`${ours}/webhook`,
		),
		plain: await receiver('plain', webhook(plain), plain),
		checked: await receiver('checked', withKey, checked),
		bare: await receiver('bare', bareTrigger, `${bare}/webhook`),
	};
}

/** The version that the editor gives a new node. @param {Session} session @returns {Promise<number>} */
async function newestVersion(session) {
	const [{ version, defaultVersion }] = await session.request('POST', '/node-types', {
		nodeInfos: [{ name: TRIGGER, version: 1 }],
	});
	return defaultVersion ?? Math.max(...[version].flat());
}

/**
 * @param {Session} session
 * @param {number} pid
 * @param {string} workflowId
 * @param {string} url
 * @param {number} count
 * @returns {Promise<Rate>}
 */
async function receive(session, pid, workflowId, url, count) {
	const finished = async () => await list(session, workflowId, { limit: 100, status: 'success' });
	const before = (await finished()).count;
	const posts = Array.from({ length: count }, callback);
	const cpuBefore = cpuTime(pid);
	const began = Date.now();
	const milliseconds = await postAll(url, posts, AT_ONCE);

	const deadline = Date.now() + SETTLED_WITHIN_MS;
	for (;;) {
		const found = await finished();
		if (found.count === before + count) {
			const ends = found.results.map(({ stoppedAt }) => Date.parse(String(stoppedAt)));
			const took = Math.max(...ends) - began;
			return {
				answered: (count / milliseconds) * 1000,
				done: (count / took) * 1000,
				cpu: (cpuTime(pid) - cpuBefore) / count,
			};
		}
		if (Date.now() > deadline) {
			throw new Problem(`${count} callbacks came to ${found.count - before} finished executions.`);
		}
		await sleep(LOOK_MS);
	}
}

/** News of a finished task, signed as Magnific signs; every one of another task, so that none is a repetition. */
function callback() {
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
			// For the Webhook node with Header Auth.
			'x-magnific-api-key': API_KEY,
		},
	};
}

/**
 * @param {Record<Receiver, Rate[]>} rates
 * @param {number} count
 * @param {number} rounds
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(rates, count, rounds) {
	const of = (/** @type {Receiver} */ name, /** @type {keyof Rate} */ what) =>
		rates[name].map((rate) => rate[what]);
	const rate = (/** @type {Receiver} */ name, /** @type {keyof Rate} */ what) =>
		`${digits(median(of(name, what)))} /s`;
	const ratio = (/** @type {Receiver} */ to, /** @type {keyof Rate} */ what) =>
		pairedRatio(of('ours', what), of(to, what));
	return {
		id: 'e',
		title: 'How many callbacks does the trigger take?',
		how: [
			`Published workflows in one n8n, SQLite, executions saved as n8n does by default, a No Operation node behind each receiver: the Kling V2V Trigger, which checks Magnific's signature; n8n's own Webhook node, which checks nothing; and the same with Header Auth, which compares one header with a credential; and the least that a trigger of any package can be, which checks nothing either. ${count} signed callbacks of ${count} tasks, ${AT_ONCE} at once, for each receiver in each of ${rounds} rounds. A callback counts as answered when n8n has replied, and as done when the execution that it started has finished. Medians; ratios round by round.`,
			"n8n prepares its expression engine for every call, which costs more than all else, and spares only its own Webhook node that; and once more for every credential that is read. So the bare trigger shows what is n8n's price for any other trigger, and Header Auth that of a credential.",
		],
		tables: [
			{
				columns: ['receiver', 'answered', 'ours is', 'done', 'ours is', "n8n's CPU for one"],
				rows: names.map((name) => [
					RECEIVERS[name],
					rate(name, 'answered'),
					name === 'ours' ? '' : times(ratio(name, 'answered')),
					rate(name, 'done'),
					name === 'ours' ? '' : times(ratio(name, 'done')),
					`${digits(median(of(name, 'cpu')))} ms`,
				]),
			},
		],
		targets: [
			{
				text: "At least 0.9 of the Webhook node's callbacks, done",
				measured: times(ratio('plain', 'done')),
				met: ratio('plain', 'done') >= 0.9,
			},
			{
				text: "At least 0.9 of the bare trigger's callbacks, done",
				measured: times(ratio('bare', 'done')),
				met: ratio('bare', 'done') >= 0.9,
			},
		],
		pictures: [
			{
				name: 'bench-callbacks',
				alt: 'Callbacks per second through our trigger and the Webhook node',
				svg: bars({
					title: 'Callbacks in a second, executions done',
					hasLegend: false,
					groups: names.map((name, colour) => ({
						label: RECEIVERS[name],
						bars: [
							{
								name: RECEIVERS[name],
								colour,
								value: median(of(name, 'done')),
								shown: rate(name, 'done'),
							},
						],
					})),
				}),
			},
		],
		losses:
			ratio('plain', 'done') < 0.97
				? [
						`A Webhook node that checks nothing takes more callbacks: ours takes ${times(ratio('plain', 'done'))} as many.`,
					]
				: [],
	};
}
