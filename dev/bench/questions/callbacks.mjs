// @ts-check
import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../server/problem.mjs';
import { step } from '../../server/progress.mjs';
import { double } from '../lab/doubles.mjs';
import { list, publish } from '../lab/executions.mjs';
import { API_KEY, saveCredentials, WEBHOOK_SECRET } from '../lab/lab.mjs';
import { cpuTime } from '../../server/memory.mjs';
import { postAll } from '../lab/load.mjs';
import { noOp, trigger } from '../lab/nodes.mjs';
import { node, webhook, workflow } from '../../workflow.mjs';
import { bars } from '../report/chart.mjs';
import { digits, median, pairedRatio, times } from '../report/figures.mjs';
import { losses } from '../report/losses.mjs';

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
	keyed: 'Webhook node, Header Auth',
	checked: 'Webhook + Crypto + If',
	bare: 'bare trigger of another package',
});
/** @typedef {keyof typeof RECEIVERS} Receiver */
const names = /** @type {Receiver[]} */ (Object.keys(RECEIVERS));

const SERVERS = /** @type {const} */ ({
	usual: { name: 'n8n as it comes', env: {} },
	lazy: {
		name: 'n8n with N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE=true',
		env: { N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE: 'true' },
	},
});
/** @typedef {keyof typeof SERVERS} Server */
const servers = /** @type {Server[]} */ (Object.keys(SERVERS));

/** @typedef {Record<Receiver, Rate[]>} Rates */

const AT_ONCE = 20;
const SETTLED_WITHIN_MS = 120_000;
const LOOK_MS = 200;

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function callbacks(lab, { quick }) {
	const count = quick ? 20 : 40;
	const rounds = quick ? 1 : 15;
	/** @param {Server} server @returns {Promise<Rates>} */
	const measure = async (server) =>
		await lab.withN8n(
			async (session, pid) =>
				await step(`Callbacks, ${SERVERS[server].name}`, async (note) => {
					const receivers = await openReceivers(session, pid);
					/** @type {Rates} */
					const found = { ours: [], plain: [], keyed: [], checked: [], bare: [] };
					// The first of each finds n8n cold.
					for (const name of names) await receivers[name](count);
					for (let round = 1; round <= rounds; round++) {
						note(`round ${round} of ${rounds}`);
						// Forwards and backwards in turn: nobody always comes after the same one.
						for (const name of round % 2 ? names : [...names].reverse()) {
							found[name].push(await receivers[name](count));
						}
					}
					return found;
				}),
			SERVERS[server].env,
		);
	return answer({ usual: await measure('usual'), lazy: await measure('lazy') }, count, rounds);
}

/**
 * Workflows that differ in nothing but what receives.
 *
 * @param {Session} session
 * @param {number} pid n8n's
 */
async function openReceivers(session, pid) {
	// Signed callbacks are believed without asking: no provider is needed.
	const { magnificApi, httpHeaderAuth } = await saveCredentials(session, 'http://127.0.0.1:9');
	const crypto = await session.saveCredential({
		name: 'Crypto bench',
		type: 'crypto',
		data: { hmacSecret: WEBHOOK_SECRET },
	});
	/** @param {Receiver} name @param {import('../../server/session.mjs').WorkflowNode[]} nodes @param {string} path */
	const receiver = async (name, nodes, path) => {
		const { id, url } = await publish(session, workflow(RECEIVERS[name], [...nodes, noOp()]), path);
		return async (/** @type {number} */ count) => await receive(session, pid, id, url, count);
	};
	const [ours, plain, keyed, checked, bare] = Array.from({ length: 5 }, () => randomUUID());
	const withKey = {
		...webhook('Webhook', keyed, { authentication: 'headerAuth' }),
		credentials: { httpHeaderAuth },
	};
	return {
		ours: await receiver(
			'ours',
			[trigger(ours, { magnificApi }, { downloadVideo: false })],
			`${ours}/webhook`,
		),
		plain: await receiver('plain', [webhook('Webhook', plain)], plain),
		keyed: await receiver('keyed', [withKey], keyed),
		checked: await receiver(
			'checked',
			[webhook('Webhook', checked), ...signatureCheck(crypto)],
			checked,
		),
		bare: await receiver(
			'bare',
			[node('Bare', double('bareTrigger'), {}, { typeVersion: 2, webhookId: bare })],
			`${bare}/webhook`,
		),
	};
}

/**
 * The check of Magnific's signature, out of n8n's own nodes. Over the parsed body, so it holds only while the provider
 * writes its JSON as JavaScript does.
 *
 * @param {import('../../server/session.mjs').CredentialReference} crypto
 */
const signatureCheck = (crypto) => [
	node(
		'Crypto',
		'crypto',
		{
			action: 'hmac',
			type: 'SHA256',
			value:
				"={{ $json.headers['webhook-id'] }}.{{ $json.headers['webhook-timestamp'] }}.{{ JSON.stringify($json.body) }}",
			dataPropertyName: 'signature',
			encoding: 'base64',
		},
		{ typeVersion: 2, credentials: { crypto } },
	),
	node(
		'If',
		'if',
		{
			conditions: {
				options: { version: 2, caseSensitive: true, leftValue: '', typeValidation: 'strict' },
				combinator: 'and',
				conditions: [
					{
						id: 'signed',
						leftValue: "={{ $json.headers['webhook-signature'] }}",
						rightValue: '=v1,{{ $json.signature }}',
						operator: { type: 'string', operation: 'equals' },
					},
				],
			},
		},
		{ typeVersion: 2.2 },
	),
];

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
	const posts = Array.from({ length: count }, signedCallback);
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
export function signedCallback() {
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
 * @param {Record<Server, Rates>} rates
 * @param {number} count
 * @param {number} rounds
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(rates, count, rounds) {
	/** @param {Server} server @param {Receiver} name @param {keyof Rate} what */
	const all = (server, name, what) => rates[server][name].map((rate) => rate[what]);
	/** @param {Server} server @param {Receiver} name @param {keyof Rate} what */
	const rate = (server, name, what) => `${digits(median(all(server, name, what)))} /s`;
	/** @param {Server} server @param {Receiver} to @param {keyof Rate} what */
	const ratio = (server, to, what) => pairedRatio(all(server, 'ours', what), all(server, to, what));
	/** @param {Server} server @param {Receiver} to @param {keyof Rate} what */
	const shown = (server, to, what) => (to === 'ours' ? '' : times(ratio(server, to, what)));
	/** @param {Server} server @param {Receiver} to @param {keyof Rate} what @param {string} name @param {string} unit */
	const compare = (server, to, what, name, unit) => ({
		what: name,
		ours: median(all(server, 'ours', what)),
		theirs: median(all(server, to, what)),
		shown: (/** @type {number} */ value) => `${digits(value)} ${unit}`,
		isMoreBetter: what !== 'cpu',
	});
	/** @param {Server} server @param {Receiver} to @param {string} text @param {number} least */
	const target = (server, to, text, least) => ({
		text: `${SERVERS[server].name}: ${text}`,
		measured: times(ratio(server, to, 'done')),
		met: ratio(server, to, 'done') >= least,
	});
	return {
		id: 'e',
		title: 'How many callbacks does the trigger take?',
		how: [
			`Published workflows in one n8n, SQLite, executions saved as n8n does by default, a No Operation node behind each receiver: the Kling V2V Trigger, which checks Magnific's signature and knows a repetition; n8n's own Webhook node, which checks nothing; the same with Header Auth, which compares one header with a credential; the same with a Crypto and an If node behind it, which check the signature as the trigger does, but start an execution for every forgery, too; and the least that a trigger of any package can be, which checks nothing. ${count} signed callbacks of ${count} tasks, ${AT_ONCE} at once, for each receiver in each of ${rounds} rounds. A callback counts as answered when n8n has replied, and as done when the execution that it started has finished. Medians; ratios round by round.`,
			"n8n makes a new sandbox for expressions at every call, which costs more than all else, and spares only its own Webhook node that; and one more for every credential that is read for the call. The bare trigger shows what is n8n's price for any other trigger, and Header Auth that of a credential. With `N8N_EXPRESSION_ENGINE_LAZY_ACQUIRE=true`, n8n makes a sandbox only where there is an expression, and the trigger has none.",
		],
		tables: servers.map((server) => ({
			caption: SERVERS[server].name,
			columns: ['receiver', 'answered', 'ours is', 'done', 'ours is', "n8n's CPU for one"],
			rows: names.map((name) => [
				RECEIVERS[name],
				rate(server, name, 'answered'),
				shown(server, name, 'answered'),
				rate(server, name, 'done'),
				shown(server, name, 'done'),
				`${digits(median(all(server, name, 'cpu')))} ms`,
			]),
		})),
		targets: [
			target('usual', 'plain', "at least 0.9 of the Webhook node's callbacks, done", 0.9),
			target('usual', 'keyed', "at least 0.9 of the Webhook node's with Header Auth, done", 0.9),
			target('usual', 'bare', "at least 0.9 of the bare trigger's callbacks, done", 0.9),
			target('usual', 'checked', 'at least as many as Webhook + Crypto + If, done', 1),
			target('lazy', 'plain', "at least 0.9 of the Webhook node's callbacks, done", 0.9),
			target('lazy', 'keyed', "at least 0.9 of the Webhook node's with Header Auth, done", 0.9),
			target('lazy', 'checked', 'at least as many as Webhook + Crypto + If, done', 1),
		],
		pictures: [
			{
				name: 'bench-callbacks',
				alt: 'Callbacks per second through our trigger and the Webhook node, in two settings of n8n',
				svg: bars({
					title: 'Callbacks in a second, executions done',
					groups: names.map((name) => ({
						label: RECEIVERS[name],
						bars: servers.map((server, colour) => ({
							name: SERVERS[server].name,
							colour,
							value: median(all(server, name, 'done')),
							shown: rate(server, name, 'done'),
						})),
					})),
				}),
			},
		],
		losses: servers.flatMap((server) =>
			names.flatMap((name) =>
				losses(`${RECEIVERS[name]}, ${SERVERS[server].name}`, [
					compare(server, name, 'done', 'callbacks done', '/s'),
					compare(server, name, 'cpu', "n8n's CPU for one", 'ms'),
				]),
			),
		),
	};
}
