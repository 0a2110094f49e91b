// @ts-check
import { randomUUID } from 'node:crypto';
import { step } from '../../server/progress.mjs';
import { double } from '../lab/doubles.mjs';
import { callable, nodeRun, runToEnd } from '../lab/executions.mjs';
import { finishedTask, saveCredentials } from '../lab/lab.mjs';
import { cpuTime, watchMemory } from '../../server/memory.mjs';
import { pollingLoop } from '../lab/pollingLoop.mjs';
import {
	generate,
	httpRequest,
	items,
	REFERENCE,
	start,
	taskStatus,
	WHEN_DONE,
} from '../lab/nodes.mjs';
import { node, webhook, workflow } from '../../workflow.mjs';
import { lines } from '../report/chart.mjs';
import { digits, median, times } from '../report/figures.mjs';
import { losses } from '../report/losses.mjs';

/** @typedef {import('../lab/lab.mjs').Lab} Lab */
/** @typedef {import('../lab/lab.mjs').Emulator} Emulator */
/** @typedef {import('../../server/session.mjs').Session} Session */

/** @typedef {{ milliseconds: number, requests: number, memory: number, cpu: number }} Reading */
/** @typedef {Map<number, Reading[]>} BySize */

const AT_ONCE = 30;
/** Over before our schedule looks for the first time, so that what grows is not the waiting. */
const TASK_SECONDS = 2.4;
const WAIT_SECONDS = 5;
const WITHIN_MS = 900_000;
const MB = 1e6;
/** What is chance in a ratio of two times of a few seconds. */
const MOST_GROWTH = 1.1;

/** @param {Lab} lab @param {{ quick: boolean }} options */
export async function growth(lab, { quick }) {
	const sizes = quick ? [3, 30] : [3, 30, 300];
	const rounds = quick ? 1 : 3;
	const settings = { taskSeconds: TASK_SECONDS, maxConcurrent: { magnific: AT_ONCE } };
	return await lab.withEmulator(settings, async (emulator) => {
		const generating = await lab.withN8n(async (session, pid) => {
			const bench = await equip(session, pid, emulator);
			const ours = await step('Kling V2V Generate over more and more items', async (note) =>
				bench.repeat(sizes, rounds, note, async (count) => oursOver(session, emulator, count)),
			);
			const loop = await step('The polling loop over the same', async (note) =>
				bench.repeat(sizes, rounds, note, async (count) => loopOver(session, emulator, count)),
			);
			return { ours, loop };
		});
		const asking = await lab.withN8n(async (session, pid) =>
			step('Status of more and more tasks', async (note) => {
				const bench = await equip(session, pid, emulator);
				const ask = await askers(session, emulator);
				/** @type {{ ours: BySize, http: BySize }} */
				const found = { ours: new Map(), http: new Map() };
				for (let round = 0; round < 2 * rounds - 1; round++) {
					for (const way of round % 2 ? ASKING : [...ASKING].reverse()) {
						const readings = await bench.repeat(sizes, 1, note, ask[way]);
						for (const [count, list] of readings) {
							found[way].set(count, [...(found[way].get(count) ?? []), ...list]);
						}
					}
				}
				return found;
			}),
		);
		return answer(generating, asking, rounds);
	});
}

/**
 * @param {Session} session
 * @param {number} pid
 * @param {Emulator} emulator
 */
async function equip(session, pid, emulator) {
	const asked = webhook('Webhook', `bench-${randomUUID()}`, WHEN_DONE);
	const collect = await callable(
		session,
		workflow('Collect garbage', [asked, node('Collect', double('collectGarbage'), {})]),
	);
	return {
		/**
		 * @param {number[]} sizes
		 * @param {number} rounds
		 * @param {(text: string) => void} note
		 * @param {(count: number) => Promise<() => Promise<number>>} prepare gives what is measured, which gives milliseconds
		 */
		repeat: async (sizes, rounds, note, prepare) => {
			/** @type {BySize} */
			const readings = new Map(sizes.map((count) => [count, []]));
			// What n8n loads with the first of anything is no growth.
			await (
				await prepare(1)
			)();
			for (let round = 0; round < rounds; round++) {
				for (const count of sizes) {
					note(`${count} items`);
					await emulator.reset(SETTINGS);
					const work = await prepare(count);
					await collect({});
					const memory = await watchMemory(pid);
					const cpuBefore = cpuTime(pid);
					const milliseconds = await work();
					const cpu = cpuTime(pid) - cpuBefore;
					const peak = memory.stop();
					const { requests } = await emulator.state();
					readings.get(count)?.push({
						milliseconds,
						requests: requests.length,
						memory: peak - memory.base,
						cpu,
					});
				}
			}
			return readings;
		},
	};
}

/** @type {Array<'ours' | 'http'>} */
const ASKING = ['ours', 'http'];

/** A reset takes the emulator back to its own. */
const SETTINGS = {
	referenceChecks: false,
	taskSeconds: TASK_SECONDS,
	maxConcurrent: { magnific: AT_ONCE },
};

/** @param {Session} session @param {Emulator} emulator @param {number} count */
async function oursOver(session, emulator, count) {
	const credentials = await saveCredentials(session, emulator.apiUrl);
	const node = generate(credentials, { options: { maxConcurrentTasks: AT_ONCE } });
	const { id } = await session.saveWorkflow(
		workflow(`Ours over ${count}`, [start(), items(count), node]),
	);
	return async () => (await runToEnd(session, id, { timeoutMs: WITHIN_MS })).milliseconds;
}

/** @param {Session} session @param {Emulator} emulator @param {number} count */
async function loopOver(session, { apiUrl }, count) {
	const credentials = await saveCredentials(session, apiUrl);
	const loop = { apiUrl, credentials, count, atOnce: AT_ONCE, waitSeconds: WAIT_SECONDS };
	const { id } = await session.saveWorkflow(pollingLoop({ ...loop, videoUrl: REFERENCE }));
	return async () => (await runToEnd(session, id, { timeoutMs: WITHIN_MS })).milliseconds;
}

/** @param {Session} session @param {Emulator} emulator */
async function askers(session, emulator) {
	const { apiUrl } = emulator;
	const credentials = await saveCredentials(session, apiUrl);
	const url = `=${apiUrl}/v1/ai/reference-to-video/kling-v3-omni/{{ $json.taskId }}`;
	const nodes = {
		ours: taskStatus(credentials, { operation: 'get', downloadVideo: false }),
		http: httpRequest('HTTP Request', url, {}, credentials),
	};
	const split = node(
		'Tasks',
		'code',
		{
			jsCode: 'return $input.first().json.body.taskIds.map((taskId) => ({ json: { taskId } }));',
		},
		{ typeVersion: 2 },
	);
	/** @param {keyof typeof nodes} way */
	const asker = async (way) => {
		const asked = webhook('Webhook', `bench-${randomUUID()}`, WHEN_DONE);
		const call = await callable(session, workflow(`Status: ${way}`, [asked, split, nodes[way]]));
		return async (/** @type {number} */ count) => {
			/** @type {string[]} */
			const taskIds = [];
			while (taskIds.length < count) taskIds.push(await finishedTask(emulator));
			return async () => {
				const { execution } = await call({ taskIds });
				const { milliseconds, items: found } = nodeRun(execution, nodes[way].name);
				if (found.length !== count) throw new Error(`${found.length} of ${count} came out`);
				return milliseconds;
			};
		};
	};
	return { ours: await asker('ours'), http: await asker('http') };
}

/**
 * @param {{ ours: BySize, loop: BySize }} generating
 * @param {{ ours: BySize, http: BySize }} asking
 * @param {number} rounds
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(generating, asking, rounds) {
	const sizes = [...generating.ours.keys()];
	const list = (/** @type {BySize} */ by, /** @type {number} */ count) =>
		/** @type {Reading[]} */ (by.get(count));
	const middle = (
		/** @type {BySize} */ by,
		/** @type {number} */ count,
		/** @type {keyof Reading} */ what,
	) => median(list(by, count).map((reading) => reading[what]));
	const ideal = (/** @type {number} */ count) => Math.ceil(count / AT_ONCE) * TASK_SECONDS * 1000;

	/** @param {BySize} ours @param {BySize} theirs @param {string} name @param {string} other */
	const rows = (ours, theirs, name, other) =>
		sizes.flatMap((count) =>
			[
				[name, ours],
				[other, theirs],
			].map(([way, by]) => {
				const readings = /** @type {BySize} */ (by);
				return [
					`${count}: ${way}`,
					`${digits(middle(readings, count, 'milliseconds') / 1000)} s`,
					by === ours
						? ''
						: times(middle(ours, count, 'milliseconds') / middle(theirs, count, 'milliseconds')),
					digits(middle(readings, count, 'requests') / count),
					`${digits(middle(readings, count, 'cpu') / count)} ms`,
					`${digits(middle(readings, count, 'memory') / MB)} MB`,
				];
			}),
		);

	const [small, large] = [sizes[0], sizes.at(-1)].map(Number);
	const per = (/** @type {BySize} */ by, /** @type {number} */ count) =>
		middle(by, count, 'requests') / count;
	const overIdeal = sizes.map(
		(count) => middle(generating.ours, count, 'milliseconds') / ideal(count),
	);
	const memory = middle(generating.ours, large, 'memory') / MB;
	/** @param {string} other @param {BySize} ours @param {BySize} theirs */
	const lossesTo = (other, ours, theirs) =>
		sizes.flatMap((count) => {
			/** @param {string} what @param {keyof Reading} key @param {number} per @param {string} unit */
			const compare = (what, key, per, unit) => ({
				what,
				ours: middle(ours, count, key) / per,
				theirs: middle(theirs, count, key) / per,
				shown: (/** @type {number} */ value) => `${digits(value)}${unit}`,
			});
			return losses(`${count} items, ${other}`, [
				compare('time', 'milliseconds', 1000, ' s'),
				compare('requests per item', 'requests', count, ''),
				compare("n8n's CPU per item", 'cpu', count, ' ms'),
				compare('memory over base', 'memory', MB, ' MB'),
			]);
		});
	const curve = (/** @type {BySize} */ by) =>
		sizes.map(
			(count) =>
				/** @type {[number, number]} */ ([count, middle(by, count, 'milliseconds') / 1000]),
		);
	const columns = [
		'items and way',
		'time',
		'our time is',
		'requests per item',
		"n8n's CPU per item",
		'memory over base',
	];
	return {
		id: 'g',
		title: 'How does it grow with the number of items?',
		how: [
			`Kling V2V Generate over ${sizes.join(', ')} items in one execution of a real n8n, ${AT_ONCE} tasks at a time, tasks of ${TASK_SECONDS} s, every video downloaded; against the polling loop of (c) with batches of ${AT_ONCE}. Medians of ${rounds} rounds. Requests are all that the provider and its media host saw.`,
			`Kling Task Status (Get, without download) for as many finished tasks, against an HTTP Request node that asks for the same; time is the node's own. Medians of ${2 * rounds - 1} rounds.`,
		],
		tables: [
			{
				caption: 'Making videos',
				columns,
				rows: rows(
					generating.ours,
					generating.loop,
					'Kling V2V Generate',
					'HTTP Request + Wait + If',
				),
			},
			{
				caption: 'Asking for the status',
				columns,
				rows: rows(asking.ours, asking.http, 'Kling Task Status, Get', 'HTTP Request'),
			},
		],
		targets: [
			{
				text: `Time at ${large} items, against the ideal, is at most ${MOST_GROWTH} times that at ${small}`,
				measured: `${times(/** @type {number} */ (overIdeal.at(-1)))} the ideal, ${times(/** @type {number} */ (overIdeal[0]))} at ${small}`,
				met:
					/** @type {number} */ (overIdeal.at(-1)) <=
					/** @type {number} */ (overIdeal[0]) * MOST_GROWTH,
			},
			{
				text: 'Requests per item do not grow',
				measured: `${digits(per(generating.ours, small))} at ${small}, ${digits(per(generating.ours, large))} at ${large}`,
				met: per(generating.ours, large) <= per(generating.ours, small),
			},
			{
				text: `Memory for ${large} items: at most 64 MB over base`,
				measured: `${digits(memory)} MB`,
				met: memory <= 64,
			},
		],
		pictures: [
			{
				name: 'bench-growth',
				alt: 'Time for 3, 30 and 300 items: ours, the polling loop and the ideal',
				svg: lines({
					title: `Time by number of items, ${AT_ONCE} at a time`,
					x: { label: 'items', log: true, ticks: sizes },
					y: { label: 'seconds', log: true, ticks: [1, 3, 10, 30, 100] },
					series: [
						{ name: 'Kling V2V Generate', colour: 0, dots: true, points: curve(generating.ours) },
						{
							name: 'HTTP Request + Wait + If',
							colour: 1,
							dots: true,
							points: curve(generating.loop),
						},
						{
							name: 'ideal',
							colour: 2,
							dashed: true,
							points: sizes.map((count) => [count, ideal(count) / 1000]),
						},
					],
				}),
			},
		],
		losses: [
			...lossesTo('HTTP Request + Wait + If', generating.ours, generating.loop),
			...lossesTo('HTTP Request for the status', asking.ours, asking.http),
		],
	};
}
