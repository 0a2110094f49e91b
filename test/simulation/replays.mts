import fc from 'fast-check';
import { accountOf } from './account.mts';
import type { Account } from './account.mts';
import type { BuiltPackage } from './builtNode.mts';
import { PLAIN } from './scenario.mts';
import type {
	AnswerFate,
	Body,
	CallbackFate,
	CreationFate,
	FileFate,
	ListFate,
	Made,
	Scenario,
	TaskFate,
} from './scenario.mts';
import { simulate } from './simulate.mts';
import type { Outcome } from './simulate.mts';
import { START } from './time.mts';
import { NODE } from './workflow.mts';

/** A history that a real n8n is to play, and how it ends in the simulation. */
export interface Replay {
	scenario: Scenario;
	account: Account;
}

/** `calm`: n8n is not killed. `killed`: it is, once, so many seconds after the beginning. */
export type Kind = 'calm' | 'killed';

/** Seconds. */
export const KILLED_AFTER = 30;

/** A real server takes real time: a history may last so many seconds. */
const LONGEST: Record<Kind, number> = { calm: 240, killed: 330 };

/** At most so many histories that end alike. */
const ALIKE = 3;

/** A real server is never as fast as the simulated one, and how slow it is, nobody knows: the end has to be the same at each of these paces. */
const PACES: Array<Partial<Scenario>> = [
	{ delays: [] },
	{ delays: [30], restart: 8 },
	{ delays: [400, 20, 90], restart: 15, seed: 2 },
	{ delays: [1_500, 100, 700], restart: 45, seed: 3 },
	{ delays: [40, 900], restart: 30, seed: 4 },
	// Looks at two tasks come in one order or the other.
	{ delays: [70, 5, 300, 1_100], restart: 10, seed: 5 },
	{ delays: [2_300, 10], restart: 20, seed: 6 },
	{ delays: [900, 0, 0, 3_100, 40], restart: 25, seed: 7 },
	{ delays: [50], restart: 12, seed: 8 },
];

/** Seconds by which a kill or Stop may come sooner or later, at each pace. */
const SHIFTS = [0, -8, -14, 8, 15, -4, 4, 11, 50];

const one = <const T,>(...values: T[]) => fc.constantFrom<T>(...values);

const made = one<Made>('yes', 'no');

const ANY_BODY: Body[] = ['empty', 'html', 'message', 'problem', 'null', 'list', 'number'];

const record = <const K extends string, T>(
	kind: K,
	rest: { [Name in keyof T]: fc.Arbitrary<T[Name]> },
) => fc.record({ kind: fc.constant(kind), ...rest });

const refused = record('status', {
	status: one(400, 401, 402, 403, 404, 422),
	body: one<Body>('message', 'problem', 'html', 'null'),
	retryAfter: fc.constant(0),
	made: fc.constant<Made>('no'),
});

const passing = record('status', {
	status: one(429, 429, 521, 530),
	body: one<Body>('message', 'problem', 'congestion', 'usedUp'),
	retryAfter: one(0, 1, 20),
	made: fc.constant<Made>('no'),
});

const uncertain = record('status', {
	status: one(408, 409, 500, 502, 503, 504, 520),
	body: one<Body>('empty', 'html', 'null'),
	retryAfter: fc.constant(0),
	made,
});

const creation = fc.oneof(
	{ weight: 5, arbitrary: fc.constant<CreationFate>({ kind: 'fine', ms: 0 }) },
	{ weight: 2, arbitrary: refused },
	{ weight: 2, arbitrary: passing },
	{ weight: 3, arbitrary: uncertain },
	{ weight: 3, arbitrary: record('success', { body: one(...ANY_BODY), made }) },
	{
		weight: 3,
		arbitrary: record('broken', {
			code: one('ECONNRESET'),
			isConnecting: fc.constant(false),
			made,
		}),
	},
	{ weight: 1, arbitrary: record('silent', { made }) },
) as fc.Arbitrary<CreationFate>;

const look = fc.oneof(
	{ weight: 3, arbitrary: fc.constant<AnswerFate>({ kind: 'fine', ms: 0 }) },
	{
		weight: 3,
		arbitrary: record('status', {
			status: one(200, 401, 404, 429, 500, 503),
			body: one(...ANY_BODY),
			retryAfter: one(0, 1),
		}),
	},
	{ weight: 1, arbitrary: record('broken', { code: one('ECONNRESET') }) },
	{ weight: 1, arbitrary: record('word', { word: one('PONDERING', '__proto__') }) },
) as fc.Arbitrary<AnswerFate>;

/** A list that lags shows none of the tasks. */
const HIDDEN = 9;

const list = fc.oneof(
	{ weight: 3, arbitrary: record('fine', { lag: one(0, 0, HIDDEN), pageSize: fc.constant(0) }) },
	{
		weight: 1,
		arbitrary: record('status', { status: one(200, 401, 500), body: one(...ANY_BODY) }),
	},
	{ weight: 1, arbitrary: record('broken', { code: one('ECONNRESET') }) },
) as fc.Arbitrary<ListFate>;

const file = fc.oneof(
	{ weight: 2, arbitrary: fc.constant<FileFate>({ kind: 'fine' }) },
	{ weight: 2, arbitrary: record('status', { status: one(403, 404, 410, 500) }) },
	{ weight: 1, arbitrary: record('broken', { code: one('ECONNRESET') }) },
	{ weight: 1, arbitrary: fc.constant<FileFate>({ kind: 'cut' }) },
) as fc.Arbitrary<FileFate>;

const task: fc.Arbitrary<TaskFate> = fc
	.record({
		seconds: one(3, 25),
		end: one('completed', 'completed', 'completed', 'failed', 'noLink', 'never'),
	})
	// The emulator says of a task without a link that it is completed, from the first look on.
	.map(({ seconds, end }) => ({ seconds: end === 'noLink' ? 3 : seconds, end }));

/** Provider and n8n keep to one kind for a whole history. */
const callbacks: fc.Arbitrary<CallbackFate[]> = fc
	.record({
		kind: one<CallbackFate['kind']>('fine', 'fine', 'double', 'never', 'forged'),
		ms: one(0, 2_000),
	})
	.map((fate) => Array<CallbackFate>(8).fill({ ...fate, reading: 0, claiming: 0 }));

/** Faults that hold an execution where it is until n8n is killed. */
const held: fc.Arbitrary<Partial<Scenario>> = fc.oneof(
	fc
		.array(one<CreationFate>({ kind: 'fine', ms: 0 }), { maxLength: 2 })
		.chain((fine) =>
			made.map((isMade) => ({ creations: [...fine, { kind: 'silent' as const, made: isMade }] })),
		),
	fc.constant({
		looks: Array<AnswerFate>(6).fill({ kind: 'silent' }),
		whileWaiting: 'run' as const,
	}),
	fc.constant({ files: Array<FileFate>(6).fill({ kind: 'stalls' }), download: true }),
	fc.constant({ laterNode: 55, tasks: Array<TaskFate>(4).fill({ seconds: 3, end: 'completed' }) }),
	fc.constant({ tasks: Array<TaskFate>(4).fill({ seconds: 50, end: 'completed' }) }),
	one(1, 2).map((fine) => ({
		creations: [
			...Array<CreationFate>(fine - 1).fill({ kind: 'fine', ms: 0 }),
			{
				kind: 'status' as const,
				status: 503,
				body: 'message' as const,
				retryAfter: 100,
				made: 'no' as const,
			},
		],
	})),
);

/** The part of all histories that a real n8n can play within minutes. */
function playable(topology: Scenario['topology'], kind: Kind): fc.Arbitrary<Scenario> {
	return fc
		.record({
			provider: one('magnific', 'magnific', 'muleRouter'),
			mode:
				kind === 'killed' ? fc.constant('webhook' as const) : one('webhook', 'webhook', 'manual'),
			items: fc.array(one(0, 0, 0, 1, 2, 4, 8, 10, 11, 18, 22, 24), { minLength: 1, maxLength: 3 }),
			rounds: one(1, 1, 1, 2),
			completion: one('poll', 'poll', 'callback', 'submitOnly'),
			whileWaiting: one('auto', 'sleep', 'run'),
			download: one(false, false, true),
			waitLimit: one(1, 2),
			pollInterval: one(0, 0, 5),
			maxConcurrentTasks: one(1, 2, 3),
			onError: one('stopWorkflow', 'continueRegularOutput', 'continueErrorOutput'),
			tries: one(1, 2, 3),
			waitBetweenTries: one(1000, 3000),
			isVolatile: fc.boolean(),
			laterNode: one(0, 0, 5),
			tasks: fc.array(task, { maxLength: 3 }),
			creations: fc.array(creation, { maxLength: 4 }),
			looks: fc.array(look, { maxLength: 4 }),
			lists: fc.array(list, { maxLength: 4 }),
			files: fc.array(file, { maxLength: 3 }),
			callbacks,
			stop:
				kind === 'killed' ? fc.constant(undefined) : one(undefined, undefined, undefined, 20, 40),
			retries: one(0, 1, 1, 2),
			loadWorkflow: fc.boolean(),
			held: kind === 'killed' ? held : fc.constant({}),
		})
		.map(({ held: holding, ...drawn }) => {
			const scenario: Scenario = { ...PLAIN, ...drawn, ...holding, topology };
			// In queue mode, n8n 2.41 cannot stop what a webhook process has begun.
			if (scenario.stop !== undefined) scenario.mode = 'manual';
			const canCall = scenario.completion === 'callback' && scenario.provider === 'magnific';
			return {
				...scenario,
				kills: kind === 'killed' ? [KILLED_AFTER] : [],
				retries: kind === 'killed' ? Math.max(1, scenario.retries) : scenario.retries,
				completion: scenario.completion === 'callback' && !canCall ? 'poll' : scenario.completion,
				callbacks: canCall ? scenario.callbacks : [],
				files: scenario.download ? scenario.files : [],
			};
		});
}

/** Draws histories for a real n8n. @returns them, and how many hang on seconds and were left out */
export async function drawReplays(
	built: BuiltPackage,
	{
		topology,
		kind,
		count,
		seed,
	}: { topology: Scenario['topology']; kind: Kind; count: number; seed: number },
): Promise<{ replays: Replay[]; leftOut: number }> {
	const replays: Replay[] = [];
	const alike = new Map<string, number>();
	let leftOut = 0;
	for (const scenario of fc.sample(playable(topology, kind), { seed, numRuns: 40 * count })) {
		if (replays.length === count) break;
		const account = await steadyAccount(scenario, built, LONGEST[kind]);
		if (!account) {
			leftOut++;
			continue;
		}
		const key = JSON.stringify(account);
		const before = alike.get(key) ?? 0;
		if (before === ALIKE) continue;
		alike.set(key, before + 1);
		replays.push({ scenario, account });
	}
	return { replays, leftOut };
}

/** @returns how a history ends, where it does so at each pace */
async function steadyAccount(
	scenario: Scenario,
	built: BuiltPackage,
	longest: number,
): Promise<Account | undefined> {
	let first: Account | undefined;
	for (const [index, pace] of PACES.entries()) {
		const shifted = (after: number) => Math.max(1, after + SHIFTS[index]);
		const kills = scenario.kills.map(shifted);
		const stop = scenario.stop === undefined ? undefined : shifted(scenario.stop);
		// Of two tasks that end together, one or the other comes first.
		const tasks = scenario.tasks.map((task, number) => ({
			...task,
			seconds: task.seconds + (((number + 1) * index) % 3),
		}));
		const outcome = await simulate({ ...scenario, ...pace, kills, stop, tasks }, built);
		if (outcome.broken.length > 0)
			throw new Error([JSON.stringify(scenario), ...outcome.broken].join('\n'));
		const ends = outcome.witness.rows.map(({ endedAt = Infinity }) => (endedAt - START) / 1000);
		if (Math.max(...ends) > longest) return undefined;
		// Nothing was there to be killed.
		if (kills.some((after) => ends[0] <= after)) return undefined;
		const account = simulatedAccount(outcome);
		first ??= account;
		if (JSON.stringify(account) !== JSON.stringify(first)) return undefined;
	}
	return first;
}

function simulatedAccount({ witness, provider }: Outcome): Account {
	return accountOf({
		executions: witness.rows as never,
		node: NODE,
		log: witness.log.join('\n'),
		tasks: provider.tasks.filter(({ isBilled }) => isBilled),
		requests: provider.asked.filter(({ kind }) => kind === 'create').length,
	});
}
