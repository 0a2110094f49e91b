import fc from 'fast-check';

/** One drawn history: plain data, so that it can be shrunk, printed and kept as a named test. */
export interface Scenario {
	/** Of jitter. */
	seed: number;
	version: '2.41' | '1.88';
	/** `regular`: one process does everything. `queue`: a main process, and workers that run executions. */
	topology: 'regular' | 'queue';
	node: 'generate' | 'status';
	provider: 'magnific' | 'muleRouter';
	mode: 'trigger' | 'manual' | 'webhook';
	/** An index of `HOSTILE` for each input item. */
	items: number[];
	/** Rounds of a loop around the node. */
	rounds: number;
	completion: 'poll' | 'callback' | 'submitOnly';
	whileWaiting: 'auto' | 'sleep' | 'run';
	download: boolean;
	/** Minutes. */
	waitLimit: number;
	/** Seconds; 0 for the schedule of the node. */
	pollInterval: number;
	maxConcurrentTasks: number;
	onError: 'stopWorkflow' | 'continueRegularOutput' | 'continueErrorOutput';
	/** Tries of Retry On Fail; 1 for none. */
	tries: number;
	/** Milliseconds between two tries. */
	waitBetweenTries: number;
	/** The prompt is another at each reading, as with `$now`. */
	isVolatile: boolean;
	/** Seconds that a later node takes; 0 for no later node. */
	laterNode: number;
	/** Milliseconds that n8n takes for one thing and another, in turn. */
	delays: number[];
	tasks: TaskFate[];
	creations: CreationFate[];
	looks: AnswerFate[];
	lists: ListFate[];
	callbacks: CallbackFate[];
	/** Times, by the number of things done, at which a process is killed. */
	deaths: number[];
	/** A killed process begins again after so many seconds. */
	restart: number;
	/** In queue mode: another worker takes a job over, whose worker n8n holds for gone; in seconds. */
	stalls: number[];
	/** Presses Stop so many seconds after the beginning. */
	stop?: number;
	/** How often a person presses "Retry execution" as long as it fails. */
	retries: number;
	/** Retry with the workflow as it is now. */
	loadWorkflow: boolean;
}

export interface TaskFate {
	seconds: number;
	end: 'completed' | 'failed' | 'cancelled' | 'noLink' | 'never';
}

/** Whether a task comes of a creation whose answer is lost: never, at once, or so late that a list lags. */
export type Made = 'no' | 'yes' | 'late';

export type CreationFate =
	| { kind: 'fine'; ms: number }
	| { kind: 'status'; status: number; body: Body; retryAfter: number; made: Made }
	| { kind: 'success'; body: Body; made: Made }
	| { kind: 'broken'; code: string; isConnecting: boolean; made: Made }
	| { kind: 'silent'; made: Made };

/** What stands in a body that is no good answer. */
export type Body =
	| 'empty'
	| 'html'
	| 'message'
	| 'problem'
	| 'congestion'
	| 'usedUp'
	| 'null'
	| 'list'
	| 'number'
	| 'proto'
	| 'oddId'
	| 'echo';

export type AnswerFate =
	| { kind: 'fine'; ms: number }
	| { kind: 'status'; status: number; body: Body; retryAfter: number }
	| { kind: 'broken'; code: string }
	| { kind: 'silent' }
	| { kind: 'word'; word: string };

export type ListFate =
	| { kind: 'fine'; lag: number; pageSize: number }
	| { kind: 'status'; status: number; body: Body }
	| { kind: 'broken'; code: string };

export interface CallbackFate {
	kind: 'fine' | 'double' | 'never' | 'forged' | 'early';
	/** Milliseconds after the change. */
	ms: number;
	/** Milliseconds between n8n's reading of the execution and the call of the node, and from there to the claim. */
	reading: number;
	claiming: number;
}

/** Texts that users type, or that come with an item: each may meet an answer, a log, a shown text or a key of an object. */
export const HOSTILE = [
	'plain',
	'"status":"CREATED"',
	'pending',
	'COMPLETED',
	'200',
	"'",
	'"',
	'\\',
	'\ud800',
	'\u0000',
	'https://a.example/b?token=0123456789abcdef0123',
	'__proto__',
	'constructor',
	'task_id',
	'},{"data":{"task_id":"x"}}',
	'%E0%A4%A',
	'{{ $json }}',
	'a'.repeat(400),
];

/** Refused before any work is done. */
const REFUSALS = [
	301, 302, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 413, 414, 415, 417, 421,
	422, 423, 426, 428, 431, 451, 511,
];
/** Nothing was done, and the same request may be sent later. */
const PASSING = [429, 503, 521, 523, 525, 526, 530];
/** A task may have come of it. */
const UNCERTAIN = [303, 408, 409, 418, 500, 502, 503, 504, 507, 520, 522, 524, 599];

const bodies: Body[] = [
	'empty',
	'html',
	'message',
	'problem',
	'null',
	'list',
	'number',
	'proto',
	'echo',
];
const made = fc.constantFrom<Made>('yes', 'no', 'late', 'yes');
const retryAfter = fc.constantFrom(0, 0, 1, 20, 3600);
const networkCodes = [
	'ECONNRESET',
	'EPIPE',
	'ETIMEDOUT',
	'EHOSTUNREACH',
	'ENETUNREACH',
	'ERR_TLS',
	'UND_ERR',
];

const creation: fc.Arbitrary<CreationFate> = fc.oneof(
	{
		weight: 6,
		arbitrary: fc.record({
			kind: fc.constant('fine' as const),
			ms: fc.constantFrom(0, 5, 700, 40_000),
		}),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			kind: fc.constant('status' as const),
			status: fc.constantFrom(...REFUSALS),
			body: fc.constantFrom(...bodies),
			retryAfter: fc.constant(0),
			made: fc.constant<Made>('no'),
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('status' as const),
			status: fc.constantFrom(...PASSING),
			body: fc.constantFrom<Body>('message', 'problem', 'congestion', 'usedUp'),
			retryAfter,
			made: fc.constant<Made>('no'),
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('status' as const),
			status: fc.constantFrom(...UNCERTAIN),
			body: fc.constantFrom<Body>('empty', 'html', 'null', 'echo'),
			retryAfter: fc.constant(0),
			made,
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('success' as const),
			body: fc.constantFrom<Body>(...bodies, 'oddId', 'oddId'),
			made,
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('broken' as const),
			code: fc.constantFrom(...networkCodes),
			isConnecting: fc.constant(false),
			made,
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant('broken' as const),
			code: fc.constantFrom('ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'CERT_HAS_EXPIRED'),
			isConnecting: fc.constant(true),
			made: fc.constant<Made>('no'),
		}),
	},
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant('silent' as const), made }) },
);

const look: fc.Arbitrary<AnswerFate> = fc.oneof(
	{
		weight: 4,
		arbitrary: fc.record({ kind: fc.constant('fine' as const), ms: fc.constantFrom(0, 3, 900) }),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('status' as const),
			status: fc.constantFrom(200, 401, 403, 404, 404, 429, 500, 502, 503, 504),
			body: fc.constantFrom(...bodies),
			retryAfter,
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant('broken' as const),
			code: fc.constantFrom(...networkCodes),
		}),
	},
	{ weight: 1, arbitrary: fc.constant({ kind: 'silent' as const }) },
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant('word' as const),
			word: fc.constantFrom('PONDERING', '__proto__', 'FAILED?', ''),
		}),
	},
);

const list: fc.Arbitrary<ListFate> = fc.oneof(
	{
		weight: 4,
		arbitrary: fc.record({
			kind: fc.constant('fine' as const),
			lag: fc.constantFrom(0, 0, 1, 2),
			pageSize: fc.constantFrom(0, 0, 10),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant('status' as const),
			status: fc.constantFrom(200, 401, 404, 429, 500, 503),
			body: fc.constantFrom(...bodies),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant('broken' as const),
			code: fc.constantFrom(...networkCodes),
		}),
	},
);

const callback: fc.Arbitrary<CallbackFate> = fc.record({
	kind: fc.constantFrom('fine', 'fine', 'double', 'never', 'forged', 'early'),
	ms: fc.constantFrom(0, 50, 2_000, 90_000),
	reading: fc.constantFrom(0, 0, 30, 800),
	// A turn takes a second at least; a claim that comes later than that after its last look is another story.
	claiming: fc.constantFrom(0, 0, 30, 400),
});

const task: fc.Arbitrary<TaskFate> = fc.record({
	seconds: fc.constantFrom(1, 40, 100, 300, 900),
	end: fc.constantFrom(
		'completed',
		'completed',
		'completed',
		'completed',
		'failed',
		'cancelled',
		'noLink',
		'never',
	),
});

/** How often a thing that is rare in the world comes in the simulation. */
const seldom = <T,>(arbitrary: fc.Arbitrary<T>, otherwise: T, weight = 3) =>
	fc.oneof({ weight, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary });

export const scenarios: fc.Arbitrary<Scenario> = fc
	.record({
		seed: fc.integer({ min: 1, max: 2 ** 31 }),
		version: fc.constantFrom('2.41' as const, '2.41' as const, '1.88' as const),
		topology: fc.constantFrom('regular' as const, 'queue' as const),
		node: fc.constantFrom('generate' as const),
		provider: fc.constantFrom('magnific' as const, 'magnific' as const, 'muleRouter' as const),
		mode: fc.constantFrom(
			'trigger' as const,
			'trigger' as const,
			'manual' as const,
			'webhook' as const,
		),
		items: fc.array(seldom(fc.nat({ max: HOSTILE.length - 1 }), 0, 2), {
			minLength: 1,
			maxLength: 4,
		}),
		rounds: seldom(fc.constantFrom(2, 3), 1),
		completion: fc.constantFrom('poll' as const, 'callback' as const, 'submitOnly' as const),
		whileWaiting: fc.constantFrom(
			'auto' as const,
			'auto' as const,
			'sleep' as const,
			'run' as const,
		),
		download: seldom(fc.constant(true), false),
		waitLimit: fc.constantFrom(2, 5, 12),
		pollInterval: seldom(fc.constantFrom(1, 30), 0),
		maxConcurrentTasks: fc.constantFrom(1, 2, 3),
		onError: fc.constantFrom(
			'stopWorkflow' as const,
			'continueRegularOutput' as const,
			'continueErrorOutput' as const,
		),
		tries: seldom(fc.constantFrom(2, 3, 5), 1, 1),
		waitBetweenTries: fc.constantFrom(0, 1000, 5000),
		isVolatile: fc.boolean(),
		laterNode: seldom(fc.constantFrom(1, 30), 0, 1),
		delays: fc.array(fc.constantFrom(0, 0, 0, 1, 4, 250), { maxLength: 6 }),
		tasks: fc.array(task, { maxLength: 4 }),
		creations: fc.array(creation, { maxLength: 6 }),
		looks: fc.array(look, { maxLength: 8 }),
		lists: fc.array(list, { maxLength: 6 }),
		callbacks: fc.array(callback, { maxLength: 5 }),
		deaths: seldom(fc.array(fc.nat({ max: 90 }), { minLength: 1, maxLength: 3 }), [], 1),
		restart: fc.constantFrom(1, 20, 400),
		stalls: seldom(
			fc.array(fc.constantFrom(1, 31, 70, 200), { minLength: 1, maxLength: 2 }),
			[],
			5,
		),
		stop: seldom(fc.constantFrom<number | undefined>(0, 1, 5, 61, 150), undefined, 7),
		retries: fc.constantFrom(0, 1, 2, 3),
		loadWorkflow: fc.boolean(),
	})
	.map(possible);

/** Takes away what cannot come together in the real world, or what means nothing there. */
function possible(drawn: Scenario): Scenario {
	// In the API's own JSON, 503 says that nothing was done.
	const isOwnWord = (fate: CreationFate) =>
		fate.kind === 'status' && fate.status === 503 && fate.body === 'echo' && fate.made !== 'no';
	return {
		...drawn,
		creations: drawn.creations.map((fate) =>
			isOwnWord(fate) ? { ...fate, body: 'html' as const } : fate,
		) as CreationFate[],
		completion:
			drawn.completion === 'callback' && drawn.provider === 'muleRouter'
				? 'poll'
				: drawn.completion,
		stalls: drawn.topology === 'queue' ? drawn.stalls : [],
	};
}
