/** Plays a drawn history of test/simulation on a real n8n, with an emulator of its own. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmulatorClient } from '../../dev/emulator/client.mjs';
import type { EmulatedTask, Rule } from '../../dev/emulator/client.mjs';
import { startEmulator } from '../../dev/emulator/server.mjs';
import { saveCredentials } from '../../dev/server/examples.mjs';
import type { Execution } from '../../dev/server/session.mjs';
import { N8nRequestError } from '../../dev/server/session.mjs';
import { root } from '../../dev/setup.mjs';
import { node, wire } from '../../dev/workflow.mjs';
import type { WorkflowNode } from '../../dev/workflow.mjs';
import { accountOf } from '../simulation/account.mts';
import type { Account, StoredExecution } from '../simulation/account.mts';
import { bodyOf } from '../simulation/answers.mts';
import { INPUTS } from '../simulation/inputs.mts';
import type { Kind, Replay } from '../simulation/replays.mts';
import type {
	AnswerFate,
	CreationFate,
	FileFate,
	ListFate,
	Scenario,
} from '../simulation/scenario.mts';
import type { Server } from './fixtures.mts';
import type { Stage } from './stage.mts';
import { call, generate, publish } from './workflows.mts';

const KLING = 'Kling';

/** A person presses "Retry execution" so long after a failure. */
const PERSON_MS = 30_000;

/** Between two looks at an execution, or at new tasks. */
const LOOK_MS = 2_000;

/** `patiently` asks n8n again so many times while it is not ready. */
const MOST_TRIES = 60;

/** Longer than any history may take, on a busy machine too. */
const ENDS_WITHIN_MS = 12 * 60_000;

/** A task that nobody has said more about, and one that never ends: seconds. */
const USUAL_SECONDS = 40;
const NEVER_SECONDS = 36_000;

/** A forged callback comes so long after its task. */
const FORGED_AFTER_MS = 20_000;

const FAILED = ['error', 'crashed', 'canceled'];

/** Draws histories, in a process of its own: the simulation takes the clock of its process. */
export async function drawnHistories(
	kind: Kind,
	topology: Scenario['topology'],
	count: number,
): Promise<Replay[]> {
	const main = path.join(root, 'test/simulation/main.mjs');
	const given = ['--replays', kind, '--topology', topology, '--runs', String(count)];
	const child = spawn(process.execPath, [main, ...given], {
		cwd: root,
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	let text = '';
	child.stdout.on('data', (chunk: Buffer) => (text += String(chunk)));
	const code = await new Promise((end) => child.on('close', end));
	if (code !== 0) throw new Error(`The simulation ended with code ${String(code)}`);
	const [, ...lines] = text.trim().split('\n');
	return lines.map((line) => JSON.parse(line) as Replay);
}

/** The server that several histories share. */
export interface Surroundings {
	server: Server;
	/** All that n8n has logged, of processes that were killed, too. */
	log: () => string;
	/** Called when the execution has begun. @returns when n8n can be asked about it */
	hasBegun: () => Promise<void>;
}

/** n8n does not retry an execution of which it has stored nothing but its beginning. */
const REFUSED = 'cannot be retried';

export async function replay(
	scenario: Scenario,
	label: string,
	{ server, log, hasBegun }: Surroundings,
): Promise<Account> {
	const addresses = await startEmulator({ settings: settingsOf(scenario) });
	const child = { ended: undefined, stop: addresses.close };
	const emulator = new EmulatorClient(addresses, child as never);
	try {
		await emulator.fault(...rulesOf(scenario));
		const credentials = await saveCredentials(server.instance.session, emulator.apiUrl, label);
		const stage: Stage = { ...server, emulator, credentials };
		return await new Player(scenario, stage, log).play(hasBegun);
	} finally {
		await emulator.stop();
	}
}

/** On a busy machine, n8n says for some moments that its database is not ready. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
	for (let tries = 0; ; tries++) {
		try {
			return await work();
		} catch (error) {
			if (!isUnready(error) || tries === MOST_TRIES) throw error;
			await sleep(LOOK_MS);
		}
	}
}

function isUnready(error: unknown): boolean {
	if (error instanceof N8nRequestError) return error.status === 503;
	return error instanceof Error && /"status":503|fetch failed/.test(error.message);
}

class Player {
	private readonly begins: number[] = [];

	private isOver = false;

	constructor(
		private readonly scenario: Scenario,
		private readonly stage: Stage,
		private readonly log: () => string,
	) {}

	async play(hasBegun: () => Promise<void>): Promise<Account> {
		const { retries, loadWorkflow } = this.scenario;
		const { session } = this.stage.instance;
		const workflow = await this.publish();
		this.begins.push(Date.now());
		const ids = [await patiently(async () => await this.begin(workflow))];
		const beside = Promise.allSettled([this.watchTasks(), this.pressStop(ids[0])]);
		try {
			await hasBegun();
			for (let retried = 0; ; retried++) {
				const { status } = await patiently(
					async () => await session.executionEnd(ids[retried], { timeoutMs: ENDS_WITHIN_MS }),
				);
				if (!FAILED.includes(status) || retried === retries) break;
				await sleep(PERSON_MS);
				this.begins.push(Date.now());
				const next = await this.retry(ids[retried], workflow.id, loadWorkflow);
				if (next === undefined) break;
				ids.push(next);
			}
			// A stopped execution, or one whose worker n8n holds for gone, may still be at work.
			await sleep(LOOK_MS);
		} finally {
			this.isOver = true;
			await beside;
		}
		return await this.account(ids);
	}

	private async publish(): Promise<{ id: string; path: string }> {
		const { stage, scenario } = this;
		const { onError, tries, waitBetweenTries, rounds, items, laterNode, mode } = scenario;
		const texts = node(
			'Texts',
			'set',
			{ mode: 'raw', jsonOutput: JSON.stringify({ body: { prompts: promptsOf(scenario) } }) },
			{ typeVersion: 3.4 },
		);
		const split = node('Prompts', 'splitOut', { fieldToSplitOut: 'body.prompts' });
		const kling = generate(stage, {
			name: KLING,
			parameters: parametersOf(stage, scenario),
			settings: {
				onError,
				...(tries > 1 ? { retryOnFail: true, maxTries: tries, waitBetweenTries } : {}),
			},
		});
		const later = node(
			'Later',
			'wait',
			{ amount: laterNode, unit: 'seconds' },
			{ typeVersion: 1.1, webhookId: 'later' },
		);
		const again = node(
			'Again',
			'splitInBatches',
			{ batchSize: items.length, options: {} },
			{ typeVersion: 3 },
		);
		const isLoop = rounds > 1;
		const nodes = [
			texts,
			split,
			...(isLoop ? [again] : []),
			kling,
			...(laterNode > 0 ? [later] : []),
		];
		const wires: Array<[string, string, number?]> = [
			['Call', 'Texts'],
			['Texts', 'Prompts'],
			['Prompts', isLoop ? 'Again' : KLING],
			...(isLoop
				? [
						['Again', KLING, 1] as [string, string, number],
						...outputsOf(scenario).map(
							(output) => [KLING, 'Again', output] as [string, string, number],
						),
					]
				: []),
			...(laterNode > 0
				? isLoop
					? [['Again', 'Later', 0] as [string, string, number]]
					: outputsOf(scenario).map(
							(output) => [KLING, 'Later', output] as [string, string, number],
						)
				: []),
		];
		const connections = wire(wires);
		if (mode === 'webhook') return await publish(stage, nodes, { connections });
		const all: WorkflowNode[] = [node('Call', 'manualTrigger'), ...nodes];
		const { session } = stage.instance;
		const { id } = await session.saveWorkflow({
			name: 'Replay',
			nodes: all,
			connections,
		});
		return { id, path: '' };
	}

	private async begin(workflow: { id: string; path: string }): Promise<string> {
		const { stage, scenario } = this;
		return scenario.mode === 'webhook'
			? await call(stage, workflow, [])
			: await stage.instance.session.start(workflow.id, 'Call');
	}

	/** n8n answers once the new execution has ended or sleeps: it is looked for before. @returns nothing where n8n refuses */
	private async retry(
		failed: string,
		workflow: string,
		loadWorkflow: boolean,
	): Promise<string | undefined> {
		const { session } = this.stage.instance;
		let refusal: Error | undefined;
		session.retry(failed, loadWorkflow).catch((error: Error) => (refusal = error));
		for (;;) {
			const [newest] = await patiently(async () => await session.executionsOf(workflow));
			if (Number(newest.id) > Number(failed)) return newest.id;
			if (refusal?.message.includes(REFUSED)) return undefined;
			if (refusal) throw refusal;
			await sleep(LOOK_MS);
		}
	}

	/** On a busy machine n8n begins late: the time counts from the first request on. */
	private async pressStop(execution: string): Promise<void> {
		const { stop } = this.scenario;
		if (stop === undefined) return;
		const { emulator, instance } = this.stage;
		const hasAsked = async () =>
			(await emulator.state()).requests.some(({ action }) => action === 'create');
		while (!this.isOver && !(await hasAsked())) await sleep(LOOK_MS / 4);
		await sleep(stop * 1000);
		if (this.isOver) return;
		// An execution that is over cannot be stopped.
		await patiently(async () => await instance.session.stop(execution)).catch(() => undefined);
	}

	/** Does what the emulator can only be told about a task that is there. */
	private async watchTasks(): Promise<void> {
		const { tasks, callbacks } = this.scenario;
		const isForged = callbacks[0]?.kind === 'forged';
		if (!isForged && tasks.every(({ end }) => end !== 'noLink')) return;
		const forged = new Set<string>();
		let seen = 0;
		while (!this.isOver) {
			const all = await this.stage.emulator.tasks();
			for (const { taskId } of all.slice(seen)) {
				if (tasks[seen++]?.end === 'noLink') await this.hideLink(taskId);
			}
			for (const task of all) {
				if (!isForged || forged.has(task.taskId) || Date.now() < task.createdAt + FORGED_AFTER_MS) {
					continue;
				}
				forged.add(task.taskId);
				await forge(task);
			}
			await sleep(LOOK_MS);
		}
	}

	private async hideLink(taskId: string): Promise<void> {
		const match = { action: 'status', taskId };
		await this.stage.emulator.fault({ match, times: -1, fault: { kind: 'no-video' } });
	}

	private async account(ids: string[]): Promise<Account> {
		const { emulator, instance } = this.stage;
		const executions: StoredExecution[] = [];
		for (const [index, id] of ids.entries()) {
			const { status, data }: Execution = await patiently(
				async () => await instance.session.execution(id),
			);
			executions.push({ status, startedAt: this.begins[index], data: data as never });
		}
		const { tasks, requests } = await emulator.state();
		return accountOf({
			executions,
			node: KLING,
			log: this.log(),
			tasks: tasks
				.filter(({ account }) => account === 'billed')
				.map(({ taskId, createdAt }) => ({ id: taskId, madeAt: createdAt })),
			requests: requests.filter(({ action }) => action === 'create').length,
		});
	}
}

/** With the setting "Continue (using error output)", failed items come out of a second output. */
function outputsOf({ onError }: Scenario): number[] {
	return onError === 'continueErrorOutput' ? [0, 1] : [0];
}

function promptsOf({ items, rounds }: Scenario): string[] {
	return Array.from({ length: rounds }, (_, round) =>
		items.map((input, item) => `${INPUTS[input]} [round ${round + 1} ${item}]`),
	).flat();
}

function parametersOf({ emulator }: Stage, scenario: Scenario): Record<string, unknown> {
	const { provider, completion, isVolatile, download, waitLimit, whileWaiting } = scenario;
	const { maxConcurrentTasks, pollInterval } = scenario;
	const reading = isVolatile ? ' at {{ $now.toMillis() }}' : '';
	return {
		provider,
		endpoint: provider === 'muleRouter' ? 'videoEdit' : undefined,
		completion,
		prompt: `=@Video1${reading} {{ $json['body.prompts'] }}`,
		videoUrl: `${emulator.referenceUrl}?token=of-a-link`,
		downloadVideo: download,
		options: {
			checkMedia: false,
			waitLimit,
			maxConcurrentTasks,
			whileWaiting,
			...(pollInterval > 0 ? { pollInterval } : {}),
		},
	};
}

/** A call of the resume URL that no provider has sent. */
async function forge({ taskId, body }: EmulatedTask): Promise<void> {
	const url = String(body.webhook_url);
	const forged = {
		task_id: taskId,
		status: 'COMPLETED',
		generated: ['https://evil.example/x.mp4'],
	};
	await fetch(url, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(forged),
	}).catch(() => undefined);
}

/** The emulator's settings for a history. */
function settingsOf({ tasks, callbacks }: Scenario): Record<string, unknown> {
	const seconds = tasks.map((task) => (task.end === 'never' ? NEVER_SECONDS : task.seconds));
	const failed = tasks.flatMap(({ end }, index) => (end === 'failed' ? [index + 1] : []));
	const [callback] = callbacks;
	const mode = { double: 'duplicate', never: 'drop' }[callback?.kind as string] ?? 'normal';
	return {
		// Used in turn: longer than any history.
		taskSeconds: [...seconds, ...Array<number>(40).fill(USUAL_SECONDS)],
		referenceChecks: false,
		callbacks: { mode, delayMs: callback?.ms ?? 0, events: ['COMPLETED', 'FAILED'] },
		...(failed.length > 0 ? { failTasks: { nth: failed, reason: 'gave up' } } : {}),
	};
}

/** The emulator's faults for a history: the first one is for the first request of its kind, and so on. */
function rulesOf(scenario: Scenario): Rule[] {
	const { creations, looks, lists, files } = scenario;
	const rules = <T,>(action: string, fates: T[], faultOf: (fate: T) => Rule['fault'] | undefined) =>
		fates.flatMap((fate, index) => {
			const fault = faultOf(fate);
			return fault ? [{ match: { action, nth: index + 1 }, fault }] : [];
		});
	return [
		...rules('create', creations, faultOfCreation),
		...rules('status', looks, faultOfLook),
		...rules('list', lists, faultOfList),
		...rules('download', files, faultOfFile),
	];
}

const asHeaders = (retryAfter: number) =>
	retryAfter > 0 ? { headers: { 'retry-after': String(retryAfter) } } : {};

function faultOfCreation(fate: CreationFate): Rule['fault'] | undefined {
	if (fate.kind === 'fine') return undefined;
	const makeTask = fate.made !== 'no';
	switch (fate.kind) {
		case 'status': {
			const { status, retryAfter } = fate;
			return {
				kind: 'status',
				status,
				body: bodyOf(fate.body),
				...asHeaders(retryAfter),
				makeTask,
			};
		}
		case 'success':
			return { kind: 'status', status: 200, body: bodyOf(fate.body), makeTask };
		case 'broken':
			return { kind: 'reset', makeTask };
		case 'silent':
		case 'deadly':
			return { kind: 'hang', makeTask };
	}
}

function faultOfLook(fate: AnswerFate): Rule['fault'] | undefined {
	switch (fate.kind) {
		case 'fine':
			return undefined;
		case 'status':
			return {
				kind: 'status',
				status: fate.status,
				body: bodyOf(fate.body),
				...asHeaders(fate.retryAfter),
			};
		case 'broken':
			return { kind: 'reset' };
		case 'silent':
			return { kind: 'hang' };
		case 'word':
			return { kind: 'task-status', providerStatus: fate.word };
	}
}

function faultOfList(fate: ListFate): Rule['fault'] | undefined {
	switch (fate.kind) {
		case 'fine':
			return fate.lag === 0 ? undefined : { kind: 'wrong-json', body: { data: [] } };
		case 'status':
			return { kind: 'status', status: fate.status, body: bodyOf(fate.body) };
		case 'broken':
			return { kind: 'reset' };
	}
}

function faultOfFile(fate: FileFate): Rule['fault'] | undefined {
	switch (fate.kind) {
		case 'fine':
			return undefined;
		case 'status':
			return { kind: 'status', status: fate.status };
		case 'broken':
			return { kind: 'reset' };
		case 'cut':
			return { kind: 'cut', atBytes: 4 };
		case 'stalls':
			return { kind: 'hang' };
		case 'redirect':
			return { kind: 'redirect', location: 'other-origin' };
	}
}
