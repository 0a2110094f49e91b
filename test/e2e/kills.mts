/** One SIGKILL for executions at each moment that a run of Generate has, and what is expected of them afterwards. */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestInfo } from '@playwright/test';
import type { Execution } from '../../dev/server/session.mjs';
import { itemsOf } from '../../dev/server/session.mjs';
import { node, wire } from '../../dev/workflow.mjs';
import { expectAsleep, expectSuccess } from './expect.mts';
import type { Server } from './fixtures.mts';
import { expect, test } from './fixtures.mts';
import { gate, PROMPTS, until } from './pausing.mts';
import { PROVIDERS } from './providers.mts';
import type { Stage } from './stage.mts';
import { billedTasks, openStage } from './stage.mts';
import { checkVideos } from './videos.mts';
import { END, call, GENERATE, generate, prompts, publish } from './workflows.mts';

const TWO = PROMPTS.slice(0, 2);
const [ONE] = PROMPTS;

/** Longer than the node waits for any answer. */
const TOO_LONG_MS = 600_000;

/** The others begin so long before those that sleep wake: all are to be at their moments at once. */
const BEFORE_WAKING_MS = 15_000;

/** A moment before the kill, and what is expected after it. */
export interface Moment {
	/** Calls the workflow. @returns the execution */
	begin: (stage: Stage, parameters: object) => Promise<string>;
	/** It is reached after a first sleep. */
	isInTurn?: boolean;
	isReached: (stage: Stage, execution: string) => Promise<boolean>;
	/** n8n goes on by itself. */
	goesOn?: boolean;
	/** The provider has made a task, and its answer is still to come. */
	isUnanswered?: boolean;
	check: (stage: Stage, ended: Execution, provider: string) => Promise<void>;
}

const seen = async ({ emulator }: Stage, action: string) =>
	(await emulator.state()).requests.filter((request) => request.action === action);

export const taskIds = async ({ emulator }: Stage) =>
	(await emulator.tasks()).map(({ taskId }) => taskId);

async function begin(stage: Stage, parameters: object, list: string[], settings = {}) {
	const make = generate(stage, { parameters, settings });
	return await call(stage, await publish(stage, [prompts(), make, END]), list);
}

async function isAsleep({ instance }: Stage, execution: string): Promise<boolean> {
	return (await instance.session.execution(execution)).status === 'waiting';
}

async function expectOneVideo(stage: Stage, ended: Execution): Promise<void> {
	expectSuccess(ended);
	await checkVideos(stage, ended, { [GENERATE]: { binary: 1, files: 0 } });
	expect(itemsOf(ended, END.name).map(({ json }) => json.taskId)).toEqual(await taskIds(stage));
	expect(await billedTasks(stage), 'billed tasks').toBe(1);
}

const MOMENTS: Record<string, Moment> = {
	'while it sleeps': {
		begin: async (stage, parameters) => await begin(stage, parameters, [ONE]),
		isReached: isAsleep,
		goesOn: true,
		check: expectOneVideo,
	},

	'while it looks at its task': {
		begin: async (stage, parameters) => {
			await stage.emulator.fault({ match: { action: 'status' }, fault: { kind: 'hang' } });
			return await begin(stage, parameters, [ONE]);
		},
		isInTurn: true,
		isReached: async (stage) => (await seen(stage, 'status')).length > 0,
		check: expectOneVideo,
	},

	'during the download': {
		begin: async (stage, parameters) => {
			const fault = { kind: 'trickle', bytesPerSecond: 1000 };
			await stage.emulator.fault({ match: { action: 'download' }, times: -1, fault });
			return await begin(stage, parameters, [ONE]);
		},
		isInTurn: true,
		isReached: async (stage) => (await seen(stage, 'download')).length > 0,
		check: expectOneVideo,
	},

	'between two rounds of a loop': {
		begin: async (stage, parameters) => {
			const loop = node('Loop', 'splitInBatches', { options: {} }, { typeVersion: 3 });
			const wait = node(
				'Wait',
				'wait',
				{ amount: 45, unit: 'seconds' },
				{ typeVersion: 1.1, webhookId: 'w' },
			);
			const make = generate(stage, { parameters });
			const callable = await publish(stage, [prompts(), loop, make, wait, END], {
				connections: wire([
					['Call', 'Prompts'],
					['Prompts', 'Loop'],
					['Loop', GENERATE, 1],
					[GENERATE, 'Wait'],
					['Wait', 'Loop'],
					['Loop', 'End'],
				]),
			});
			return await call(stage, callable, TWO);
		},
		isInTurn: true,
		isReached: async (stage) => {
			const downloads = await seen(stage, 'download');
			return downloads.some(({ ended }) => ended === 'answered');
		},
		check: async (stage, ended) => {
			expectSuccess(ended);
			const made = itemsOf(ended, END.name).map(({ json }) => json.taskId);
			expect(made).toEqual(await taskIds(stage));
			expect(await billedTasks(stage), 'billed tasks').toBe(2);
		},
	},

	/** The second item has not been sent. */
	'between a request and its answer': {
		begin: async (stage, parameters) => {
			const fault = { kind: 'slow', ms: TOO_LONG_MS };
			await stage.emulator.fault({ match: { action: 'create', nth: 1 }, fault });
			return await begin(stage, parameters, TWO, { onError: 'continueRegularOutput' });
		},
		isReached: async (stage) => (await billedTasks(stage)) === 1,
		isUnanswered: true,
		check: async (stage, ended, provider) => {
			expectSuccess(ended);
			const [lost, made] = itemsOf(ended, END.name).map(({ json }) => json);
			const ids = await taskIds(stage);
			expect(lost.error).toContain('may have created a task');
			if (provider === 'magnific') expect(lost.details.possibleTaskIds).toContain(ids[0]);
			expect(made.taskId).toBe(ids[1]);
			expect(await billedTasks(stage), 'billed tasks').toBe(2);
		},
	},

	/** The request of the second item has not reached the provider. */
	'between the answer of one item and its first sleep': {
		begin: async (stage, parameters) => {
			await stage.emulator.fault({
				match: { action: 'create', nth: 2 },
				fault: { kind: 'hang' },
			});
			return await begin(stage, parameters, TWO, { onError: 'continueRegularOutput' });
		},
		isReached: async (stage) => (await seen(stage, 'create')).length === 2,
		check: async (stage, ended, provider) => {
			expectSuccess(ended);
			const [made, unknown] = itemsOf(ended, END.name).map(({ json }) => json);
			const [id] = await taskIds(stage);
			if (provider === 'magnific') expect(made.taskId).toBe(id);
			else expect(made.error).toContain('may have created a task');
			expect(unknown.error).toContain('may have created a task');
			expect(log).toContain(`Kling task created: ${id}`);
			expect(await billedTasks(stage), 'billed tasks').toBe(1);
		},
	},
};

/** The log lines of the killed process. */
let log = '';
export const logOfKilled = () => log;

/** Parameters of a provider, and a moment. */
export interface Case {
	parameters: { provider: string };
	moment: Moment;
}

/** By a sentence about the provider and the moment. */
export const CASES = new Map<string, Case>();
for (const { label, parameters } of PROVIDERS) {
	for (const [when, moment] of Object.entries(MOMENTS)) {
		CASES.set(`${label}: an execution under which n8n is killed ${when}`, { parameters, moment });
	}
}

/** @param execution whose process was killed */
export type After = (stage: Stage, execution: string, being: Case) => Promise<void>;

/** A moment of an execution: how a test brings it about before the kill, and what it checks afterwards. */
export interface Play extends Case {
	after: After;
}

export interface Kill {
	/** By a sentence about each. */
	plays: Map<string, Play>;
	/** Brings n8n back, once the process that runs the nodes is killed: by default, n8n starts again. */
	comeBack?: (server: Server) => Promise<void>;
}

/** The steps that all executions take together. */
const newSteps = () => ({
	/** The first sleep of the executions that are to be killed in a turn is about to end. */
	nearly: gate(),
	killed: gate(),
	isBack: gate(),
});

/** One execution, from its call until it has ended after the kill. */
class Player {
	readonly asleep = gate();

	readonly reached = gate();

	/** Nothing is in the way of the execution any more. */
	readonly cleared = gate();

	/** When n8n will wake the execution, in milliseconds since 1970. */
	wakesAt = Infinity;

	constructor(
		readonly being: Play,
		private readonly steps: ReturnType<typeof newSteps>,
	) {}

	async play(stage: Stage): Promise<void> {
		const { session } = stage.instance;
		const { moment, parameters, after } = this.being;
		if (!moment.isInTurn) await this.steps.nearly.opened;
		const execution = await moment.begin(stage, parameters);
		if (moment.isInTurn) {
			await expectAsleep(session, execution);
			this.wakesAt = Date.parse(String((await session.execution(execution)).waitTill));
			this.asleep.open();
		}
		await until('its moment', async () => await moment.isReached(stage, execution), 120_000);
		this.reached.open();
		await this.steps.killed.opened;
		await stage.emulator.clearFaults();
		this.cleared.open();
		await this.steps.isBack.opened;
		await after(stage, execution, this.being);
	}

	/** One that has failed is not waited for. */
	openAll(): void {
		for (const { open } of [this.asleep, this.reached, this.cleared]) open();
	}
}

/** Brings each execution to its moment, kills the process of all of them, and sees what becomes of them. */
export async function killAll(
	server: Server,
	testInfo: TestInfo,
	{ plays, comeBack = async ({ instance }) => await instance.restart() }: Kill,
): Promise<void> {
	const steps = newSteps();
	const failed: string[] = [];
	const players: Player[] = [];
	const ends = [...plays].map(async ([title, being], index) => {
		const player = new Player(being, steps);
		players.push(player);
		const options = { log: testInfo.outputPath(`emulator-${index}.log`) };
		const play = async () =>
			await openStage(server, options, async (stage) => await player.play(stage));
		await test.step(title, play).catch((error: Error) => failed.push(`${title}: ${error.message}`));
		player.openAll();
	});
	const all = async (step: 'reached' | 'cleared') =>
		void (await Promise.all(players.map(async (player) => await player[step].opened)));

	const inTurn = players.filter(({ being }) => being.moment.isInTurn);
	await Promise.all(inTurn.map(async ({ asleep }) => await asleep.opened));
	const first = Math.min(...inTurn.map(({ wakesAt }) => wakesAt));
	if (first < Infinity) await sleep(Math.max(0, first - BEFORE_WAKING_MS - Date.now()));
	steps.nearly.open();
	await all('reached');
	const { runner } = server.instance;
	await runner.kill();
	log = fs.readFileSync(runner.log, 'utf8');
	steps.killed.open();
	await all('cleared');
	await comeBack(server);
	steps.isBack.open();
	await Promise.all(ends);
	expect(failed, 'what is not so').toEqual([]);
}
