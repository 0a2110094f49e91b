/** One SIGKILL for executions at each moment that a run of Generate has. */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Execution } from '../../../dev/server/session.mjs';
import { itemsOf } from '../../../dev/server/session.mjs';
import { node, wire } from '../../../dev/workflow.mjs';
import { expectAsleep, expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import { PROMPTS, until } from '../pausing.mts';
import { PROVIDERS } from '../providers.mts';
import type { Stage } from '../stage.mts';
import { billedTasks, openStage } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { call, GENERATE, generate, prompts, publish, retry } from '../workflows.mts';

const TWO = PROMPTS.slice(0, 2);
const [ONE] = PROMPTS;
const END = node('End', 'noOp');

/** Longer than the node waits for any answer. */
const TOO_LONG_MS = 600_000;

/** The others begin so long before those that sleep wake: all are to be at their moments at once. */
const BEFORE_WAKING_MS = 15_000;

/** A moment before the kill, and what is expected after it. */
interface Moment {
	/** Calls the workflow. @returns the execution */
	begin: (stage: Stage, parameters: object) => Promise<string>;
	/** It is reached after a first sleep. */
	isInTurn?: boolean;
	isReached: (stage: Stage, execution: string) => Promise<boolean>;
	/** n8n goes on by itself. */
	goesOn?: boolean;
	check: (stage: Stage, ended: Execution, provider: string) => Promise<void>;
}

const seen = async ({ emulator }: Stage, action: string) =>
	(await emulator.state()).requests.filter((request) => request.action === action);

const taskIds = async ({ emulator }: Stage) => (await emulator.tasks()).map(({ taskId }) => taskId);

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

interface Case {
	parameters: { provider: string };
	moment: Moment;
	/** How "Retry execution" is pressed; not where n8n goes on by itself. */
	loadWorkflow?: boolean;
}

const CASES = new Map<string, Case>();
for (const { label, parameters } of PROVIDERS) {
	for (const [when, moment] of Object.entries(MOMENTS)) {
		const title = `${label}: an execution under which n8n is killed ${when} pays nothing twice`;
		if (moment.goesOn) CASES.set(`${title}, and goes on by itself`, { parameters, moment });
		else {
			for (const [which, loadWorkflow] of [
				['the original workflow', false],
				['the workflow as it is now', true],
			] as const) {
				CASES.set(`${title} when it is retried with ${which}`, {
					parameters,
					moment,
					loadWorkflow,
				});
			}
		}
	}
}

/** Something that all wait for. */
function gate() {
	let open = () => {};
	const opened = new Promise<void>((resolve) => (open = resolve));
	return { open, opened };
}

/** The first sleep of the executions that are to be killed in a turn is about to end. */
const nearly = gate();
const killed = gate();

/** One case, from its call until it has ended after the kill. */
class Player {
	readonly asleep = gate();

	readonly reached = gate();

	/** When n8n will wake the execution, in milliseconds since 1970. */
	wakesAt = Infinity;

	constructor(readonly being: Case) {}

	async play(stage: Stage): Promise<void> {
		const { session } = stage.instance;
		const { moment, parameters, loadWorkflow } = this.being;
		if (!moment.isInTurn) await nearly.opened;
		const execution = await moment.begin(stage, parameters);
		if (moment.isInTurn) {
			await expectAsleep(session, execution);
			this.wakesAt = Date.parse(String((await session.execution(execution)).waitTill));
			this.asleep.open();
		}
		await until('its moment', async () => await moment.isReached(stage, execution), 120_000);
		this.reached.open();
		await killed.opened;

		await stage.emulator.clearFaults();
		const ended = await session.executionEnd(execution, { timeoutMs: 600_000 });
		const isCrashed = ended.status === 'crashed';
		// In queue mode, n8n takes for crashed what wakes while there is no worker.
		const mayCrash = !moment.goesOn || stage.kind.toLowerCase().includes('queue');
		expect(isCrashed && !mayCrash, 'it has crashed, and should have gone on').toBe(false);
		const last = isCrashed
			? await session.executionEnd(await retry(stage, execution, loadWorkflow === true))
			: ended;
		await moment.check(stage, last, parameters.provider);
	}
}

test(`n8n is killed under ${CASES.size} executions, and none of them pays for anything twice`, async ({
	server,
}, testInfo) => {
	test.setTimeout(20 * 60_000);
	const failed: string[] = [];
	const players: Player[] = [];
	const plays = [...CASES].map(async ([title, being], index) => {
		const player = new Player(being);
		players.push(player);
		const options = { log: testInfo.outputPath(`emulator-${index}.log`) };
		const play = async () =>
			await openStage(server, options, async (stage) => await player.play(stage));
		await test.step(title, play).catch((error: Error) => failed.push(`${title}: ${error.message}`));
		// One that has failed is not waited for.
		player.asleep.open();
		player.reached.open();
	});

	const inTurn = players.filter(({ being }) => being.moment.isInTurn);
	await Promise.all(inTurn.map(async ({ asleep }) => await asleep.opened));
	const first = Math.min(...inTurn.map(({ wakesAt }) => wakesAt));
	await sleep(Math.max(0, first - BEFORE_WAKING_MS - Date.now()));
	nearly.open();
	await Promise.all(players.map(async ({ reached }) => await reached.opened));
	const { runner } = server.instance;
	await runner.kill();
	log = fs.readFileSync(runner.log, 'utf8');
	await server.instance.restart();
	killed.open();
	await Promise.all(plays);
	expect(failed, 'what is not so').toEqual([]);
});
