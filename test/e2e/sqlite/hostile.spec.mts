/** Hosts and callers that mean harm: what they cost, beside n8n's own nodes in the same process. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchMemory } from '../../../dev/server/memory.mjs';
import type { WorkflowNode } from '../../../dev/workflow.mjs';
import { node, workflow } from '../../../dev/workflow.mjs';
import { callBack, callSlowly, callUntilTaken, finishedTask, invented } from '../callbacks.mts';
import { expectSuccess } from '../expect.mts';
import { expect, measured, test } from '../fixtures.mts';
import { PROVIDERS } from '../providers.mts';
import type { Stage } from '../stage.mts';
import { END, publish, publishTrigger, STATUS, STATUS_TYPE } from '../workflows.mts';

const LARGE = 400e6;
const ENDLESS = 3e9;
const MB = 1e6;

/** The paths that Magnific's API has. */
const TASKS = '/v1/ai/reference-to-video/kling-v3-omni';
const KEY = { name: 'x-magnific-api-key', value: 'emulator-magnific-key' };

const START = node('Start', 'manualTrigger');

/** Where n8n keeps binary data. @returns bytes */
function stored({ folder }: Stage): number {
	const store = path.join(folder, '.n8n', 'storage');
	// A file may be renamed or removed meanwhile.
	const size = (name: string) => fs.statSync(name, { throwIfNoEntry: false })?.size ?? 0;
	return fs
		.readdirSync(store, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.reduce((sum, { parentPath, name }) => sum + size(path.join(parentPath, name)), 0);
}

async function start({ instance: { session } }: Stage, worker: WorkflowNode): Promise<string> {
	const { id } = await session.saveWorkflow(workflow(`Hostile ${randomUUID()}`, [START, worker]));
	return await session.start(id, START.name);
}

/** Runs a node, and tells what n8n's process needed for that, in bytes: of memory, and of the disk at most. */
async function costOf(stage: Stage, worker: WorkflowNode) {
	const { session, runner } = stage.instance;
	const before = stored(stage);
	let disk = 0;
	const look = async () => void (disk = Math.max(disk, stored(stage) - before));
	const memory = await watchMemory(runner.pid);
	const execution = await session.executionEnd(await start(stage, worker), { watch: look });
	await look();
	return { execution, memory: memory.stop() - memory.base, disk };
}

const inMegabytes = (bytes: number[]) =>
	`${bytes.map((each) => Math.round(each / MB)).join(', ')} MB`;

const inWords = ({ memory, disk }: { memory: number; disk: number }) =>
	`${inMegabytes([memory])} of memory, ${inMegabytes([disk])} on disk`;

/** The two nodes that fetch a task's video, or look the task up. */
async function workers({ emulator, credentials }: Stage, taskId: string, of: 'result' | 'answer') {
	const at = `${emulator.apiUrl}${TASKS}/${taskId}`;
	const ours = node(
		STATUS,
		STATUS_TYPE,
		{ provider: 'magnific', operation: of === 'result' ? 'download' : 'get', taskId },
		{ credentials },
	);
	const get = (url: string, more: object) =>
		node('HTTP Request', 'httpRequest', { url, ...more }, { typeVersion: 4.2 });
	if (of === 'answer') {
		const own = get(at, { sendHeaders: true, headerParameters: { parameters: [KEY] } });
		return { ours, own };
	}
	const answer = await fetch(at, { headers: { [KEY.name]: KEY.value } });
	const { data } = (await answer.json()) as { data: { generated: string[] } };
	const options = { response: { response: { responseFormat: 'file' } } };
	return { ours, own: get(data.generated[0], { options }) };
}

/** Magnific's task that is finished, and whose video has so many bytes. */
async function finished({ emulator }: Stage, resultBytes: number): Promise<string> {
	await emulator.set({ resultBytes });
	return (await emulator.seed({ status: 'completed' })).taskId;
}

const ANSWERS = [
	{
		title: 'A result of 389 kB that unpacks to 400 MB',
		of: 'result' as const,
		resultBytes: LARGE,
		fault: { kind: 'packed' },
		reason: 'sends more than the',
		mostOnDisk: LARGE / 100,
	},
	{
		title: 'A result that does not end',
		of: 'result' as const,
		resultBytes: 2 * ENDLESS,
		fault: { kind: 'cut', atBytes: ENDLESS, chunked: true },
		reason: 'larger than 2048 MiB',
		mostOnDisk: 2 * 1024 ** 3,
	},
	{
		title: 'An answer of the API of 389 kB that unpacks to 400 MB',
		of: 'answer' as const,
		fault: { kind: 'padded', bytes: LARGE, packed: true },
		reason: 'longer than 2048 KiB',
		mostOnDisk: 0,
	},
	{
		title: 'An answer of the API that goes on for 400 MB',
		of: 'answer' as const,
		fault: { kind: 'padded', bytes: LARGE },
		reason: 'longer than 2048 KiB',
		mostOnDisk: 0,
	},
];

for (const { title, of, resultBytes = MB, fault, reason, mostOnDisk } of ANSWERS) {
	test(`${title} is given up, and n8n's HTTP Request takes more of it`, async ({ stage }) => {
		const { emulator, instance } = stage;
		await instance.restart();
		// The first run loads code.
		const small = await workers(stage, await finished(stage, MB), of);
		for (const worker of [small.ours, small.own]) {
			expectSuccess((await costOf(stage, worker)).execution);
		}
		const both = await workers(stage, await finished(stage, resultBytes), of);
		const action = of === 'result' ? 'download' : 'status';
		await emulator.fault({ match: { action }, times: -1, fault });
		const ours = await costOf(stage, both.ours);
		const own = await costOf(stage, both.own);
		measured(`${title}: ${inWords(ours)}; n8n's HTTP Request: ${inWords(own)}`);

		expect(ours.execution.data.resultData.error?.message).toContain(reason);
		expect(ours.memory, 'bytes of memory').toBeLessThan(LARGE / 4);
		expect(ours.disk, 'bytes on disk').toBeLessThanOrEqual(mostOnDisk);
		if (of === 'result') expect(own.disk).toBeGreaterThan(mostOnDisk);
		else expect(own.memory).toBeGreaterThan(4 * ours.memory);
	});
}

test("A result that drips is given up, where n8n's HTTP Request stays with it", async ({
	stage,
}) => {
	const { emulator, instance } = stage;
	const fault = { kind: 'trickle', bytesPerSecond: 1000 };
	await emulator.fault({ match: { action: 'download' }, times: -1, fault });
	const [ourTask, ownTask] = [await finished(stage, 10 * MB), await finished(stage, 10 * MB)];
	const { ours } = await workers(stage, ourTask, 'result');
	const others = await workers(stage, ownTask, 'result');
	const executions = [await start(stage, others.own), await start(stage, ours)];
	const seen = async (id: string) =>
		(await emulator.state()).requests.filter(
			({ action, taskId }) => action === 'download' && taskId === id,
		);
	const isGivenUp = async () => (await seen(ourTask)).some(({ ended }) => ended === 'aborted');
	await expect.poll(isGivenUp, { timeout: 300_000 }).toBe(true);
	const [[ourFirst], own] = [await seen(ourTask), await seen(ownTask)];
	measured(
		`A result that drips: its connection is given up after ${ourFirst.sent} bytes; n8n's HTTP Request has had ${own[0].sent}, and stays`,
	);
	expect(own.map(({ ended }) => ended)).toEqual([null]);
	for (const id of executions) await instance.session.stop(id);
});

const TRUE_CALLS = 15;
const SLOW_CALLERS = 150;
const WAVES = 3;
const FORGED_CALLS = 600;
const CALL_EVERY_MS = 100;

/** The trigger makes so many requests in vain before its first limit holds (`docs/trigger.md`: 60), with those under way then. */
const MOST_IN_VAIN = 60 + 30;
const MORE_PER_SECOND = 5;
const LONG_MS = 20 * 60_000;

/** After so much no further callers are let loose. */
const ENOUGH = 1e9;

/** A published workflow that callbacks start. */
interface Receiver {
	id: string;
	url: string;
	/** Tasks that are finished, and that it has not heard of. */
	tasks: string[];
}

/** n8n's Webhook node as it comes, and with an expression: for anything but the first, n8n holds a sandbox during a call. */
const PLAIN = {};
const WITH_EXPRESSION = { options: { responseData: "={{ 'ok' }}" } };

/**
 * Attacks the trigger, and then Webhook nodes, each in a process that has not done much else.
 * @param attack tells what came of it
 * @param webhooks their parameters
 */
async function compare<T>(
	stage: Stage,
	parameters: { provider: string; authentication: string },
	attack: (receiver: Receiver) => Promise<T>,
	webhooks: object[] = [PLAIN],
): Promise<T[]> {
	const { instance } = stage;
	const receivers = [await publishTrigger(stage, { ...parameters, downloadVideo: false })];
	const [{ url: address }] = receivers;
	for (const call of webhooks) {
		const { id, path } = await publish(stage, [END], { call });
		receivers.push({ id, url: `${instance.webhookUrl}/${path}` });
	}
	const task = async () => await finishedTask(stage, { ...parameters, url: address });
	const results: T[] = [];
	for (const receiver of receivers) {
		await instance.restart();
		expect((await callBack(stage, await task(), receiver)).status).toBe(200);
		const tasks: string[] = [];
		while (tasks.length < TRUE_CALLS) tasks.push(await task());
		results.push(await attack({ ...receiver, tasks }));
	}
	return results;
}

test('Callers who send one byte hold up no true callback, and more of them cost less than at the Webhook node', async ({
	stage,
}) => {
	test.setTimeout(LONG_MS);
	const { instance } = stage;
	const siege = async ({ id, url, tasks }: Receiver) => {
		const memory = await watchMemory(instance.runner.pid);
		const sockets: Socket[] = [];
		const grown: number[] = [];
		const calls: number[] = [];
		for (let wave = 0; wave < WAVES && !(grown[wave - 1] > ENOUGH); wave++) {
			sockets.push(...(await callSlowly(url, SLOW_CALLERS)));
			for (const taskId of tasks.filter((_, index) => index % WAVES === wave)) {
				calls.push(await callUntilTaken(stage, taskId, url));
			}
			grown.push(memory.stop() - memory.base);
		}
		for (const socket of sockets) socket.destroy();
		const started = (await instance.session.executionsOf(id)).length - 1;
		return { calls, started, grown };
	};
	const parameters = { provider: 'magnific', authentication: 'signature' };
	const results = await compare(stage, parameters, siege, [PLAIN, WITH_EXPRESSION]);
	const [ours, plain, withExpression] = results;
	const [said, ...others] = results.map(
		({ calls, started, grown }) =>
			`${started} of ${calls.length} true callbacks start, with ${calls.join(', ')} calls, ${inMegabytes(grown)}`,
	);
	measured(
		`150, 300, 450 callers who send one byte: ${said}; n8n's Webhook: ${others.join('; with an expression: ')}`,
	);

	expect(ours.started).toBe(TRUE_CALLS);
	const more = ({ grown }: typeof ours) => grown[WAVES - 1] - grown[0];
	expect(more(ours), 'bytes for 300 more callers').toBeLessThan(more(plain));
	expect(ours.grown[0], 'bytes for the first ones').toBeLessThan(withExpression.grown[0] / 2);
});

for (const { label, parameters } of PROVIDERS) {
	test(`All true callbacks of ${label} among ${FORGED_CALLS} forged ones start the workflow, and no forged one does`, async ({
		stage,
	}) => {
		test.setTimeout(LONG_MS);
		const { emulator, instance } = stage;
		const { provider } = parameters;
		const flood = async ({ id, url, tasks }: Receiver) => {
			const memory = await watchMemory(instance.runner.pid);
			const { n: before = 0 } = (await emulator.state()).requests.at(-1) ?? {};
			const forged: Array<Promise<unknown>> = [];
			const genuine: Array<Promise<number>> = [];
			for (const taskId of tasks) {
				for (let sent = 0; sent < FORGED_CALLS / TRUE_CALLS; sent++) {
					forged.push(emulator.callBack(taskId, { url, body: invented(provider) }));
					await sleep(CALL_EVERY_MS);
				}
				genuine.push(callUntilTaken(stage, taskId, url));
			}
			const calls = await Promise.all(genuine);
			const { requests } = await emulator.state();
			const asked = requests.filter(({ n, listener }) => n > before && listener === 'api');
			await Promise.all(forged);
			return {
				calls,
				started: (await instance.session.executionsOf(id)).length - 1,
				asked,
				bytes: memory.stop() - memory.base,
			};
		};
		const options = { provider, authentication: 'recheck' };
		const [ours, own] = await compare(stage, options, flood);
		const [bytes, ownBytes] = [ours, own].map((each) => inMegabytes([each.bytes]));
		measured(
			`${FORGED_CALLS} forged calls, ${label}: ${ours.started} of ${TRUE_CALLS} true ones start, with ${ours.calls.join(', ')} calls, and ${ours.asked.length} requests to the provider, ${bytes}; n8n's Webhook: ${own.calls.join(', ')} calls, ${ownBytes}`,
		);

		expect(ours.started).toBe(TRUE_CALLS);
		const [first, last] = [ours.asked[0].at, ours.asked[ours.asked.length - 1].at];
		const inVain = ours.asked.filter(({ status }) => status === 404).length;
		expect(inVain, 'requests in vain').toBeLessThan(
			MOST_IN_VAIN + ((last - first) / 1000) * MORE_PER_SECOND,
		);
		expect(ours.bytes, 'bytes of memory').toBeLessThan(own.bytes);
	});
}
