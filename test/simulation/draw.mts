import fc from 'fast-check';
import { HUGE } from './inputs.mts';
import type {
	AnswerFate,
	Body,
	CallbackFate,
	CreationFate,
	FileFate,
	ListFate,
	Made,
	Outage,
	Scenario,
	TaskFate,
} from './scenario.mts';

/** Refused before any work is done. */
const REFUSALS = [
	301, 302, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 413, 414, 415, 417, 421,
	422, 423, 426, 428, 431, 451, 511,
];
/** Nothing was done, and the same request may be sent later. */
const PASSING = [429, 429, 503, 521, 523, 525, 526, 530];
/** A task may have come of it. */
const UNCERTAIN = [303, 408, 409, 418, 500, 502, 503, 504, 507, 520, 522, 524, 599];

const ANY_BODY: Body[] = [
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

const NETWORK_ERRORS = [
	'ECONNRESET',
	'EPIPE',
	'ETIMEDOUT',
	'EHOSTUNREACH',
	'ENETUNREACH',
	'ERR_TLS',
	'UND_ERR',
];

/** The first value is the one that a failing history is shrunk to. */
const one = <const T,>(...values: T[]) => fc.constantFrom<T>(...values);

/**
 * A list of all kinds, or of two of them: what needs the same twice is found sooner.
 * @param kinds by their weights
 */
const some = <T,>(kinds: Array<fc.WeightedArbitrary<T>>, maxLength: number) => {
	const pairs = kinds.flatMap((first, index) =>
		kinds.slice(index + 1).map(({ arbitrary }) => fc.oneof(first.arbitrary, arbitrary)),
	);
	return fc.oneof(
		{ weight: pairs.length, arbitrary: fc.array(fc.oneof(...kinds), { maxLength }) },
		...pairs.map((arbitrary) => ({ weight: 1, arbitrary: fc.array(arbitrary, { maxLength }) })),
	);
};

/** So many parts of one thing to one part of another. */
const mostly = <T,>(parts: number, usual: T, other: fc.Arbitrary<T>) =>
	fc.oneof({ weight: parts, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

const status = (
	statuses: number[],
	bodies: Body[],
	retryAfter: fc.Arbitrary<number>,
	made: fc.Arbitrary<Made>,
) =>
	fc.record({
		kind: fc.constant('status' as const),
		status: one(...statuses),
		body: one(...bodies),
		retryAfter,
		made,
	});

const made = one<Made>('yes', 'no', 'late', 'yes');
const retryAfter = one(0, 0, 1, 20, 3600);
const notMade = fc.constant<Made>('no');

const creations: Array<fc.WeightedArbitrary<CreationFate>> = [
	{
		weight: 6,
		arbitrary: fc.record({ kind: fc.constant('fine' as const), ms: one(0, 5, 700, 40_000) }),
	},
	{ weight: 2, arbitrary: status(REFUSALS, ANY_BODY, fc.constant(0), notMade) },
	{
		weight: 3,
		arbitrary: status(PASSING, ['message', 'problem', 'congestion', 'usedUp'], retryAfter, notMade),
	},
	{
		weight: 3,
		arbitrary: status(UNCERTAIN, ['empty', 'html', 'null', 'echo'], fc.constant(0), made),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('success' as const),
			body: one<Body>(...ANY_BODY, 'oddId', 'oddId'),
			made,
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('broken' as const),
			code: one(...NETWORK_ERRORS),
			isConnecting: fc.constant(false),
			made,
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant('broken' as const),
			code: one('ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'CERT_HAS_EXPIRED'),
			isConnecting: fc.constant(true),
			made: notMade,
		}),
	},
	{
		weight: 2,
		arbitrary: fc.record({ kind: one('silent' as const, 'deadly' as const), made }),
	},
];

const look: fc.Arbitrary<AnswerFate> = fc.oneof(
	{ weight: 4, arbitrary: fc.record({ kind: fc.constant('fine' as const), ms: one(0, 3, 900) }) },
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('status' as const),
			status: one(200, 401, 403, 404, 404, 429, 500, 502, 503, 504),
			body: one(...ANY_BODY),
			retryAfter,
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({ kind: fc.constant('broken' as const), code: one(...NETWORK_ERRORS) }),
	},
	{ weight: 1, arbitrary: fc.constant({ kind: 'silent' as const }) },
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant('word' as const),
			word: one('PONDERING', '__proto__', 'FAILED?', ''),
		}),
	},
);

const list: fc.Arbitrary<ListFate> = fc.oneof(
	{
		weight: 4,
		arbitrary: fc.record({
			kind: fc.constant('fine' as const),
			lag: one(0, 0, 1, 2),
			pageSize: one(0, 0, 10),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant('status' as const),
			status: one(200, 401, 404, 429, 500, 503),
			body: one(...ANY_BODY),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({ kind: fc.constant('broken' as const), code: one(...NETWORK_ERRORS) }),
	},
);

const file: fc.Arbitrary<FileFate> = fc.oneof(
	{ weight: 3, arbitrary: fc.constant({ kind: 'fine' as const }) },
	{
		weight: 2,
		arbitrary: fc.record({
			kind: fc.constant('status' as const),
			status: one(403, 404, 410, 204, 416, 429, 500, 503),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({ kind: fc.constant('broken' as const), code: one(...NETWORK_ERRORS) }),
	},
	{
		weight: 3,
		arbitrary: fc.record({ kind: one('cut' as const, 'stalls' as const, 'redirect' as const) }),
	},
);

const callback: fc.Arbitrary<CallbackFate> = fc.record({
	kind: one('fine', 'double', 'double', 'never', 'forged', 'early'),
	ms: one(0, 50, 2_000, 90_000),
	reading: one(0, 0, 30, 800, 3_000),
	// A turn takes a second at least: this is how long n8n may take from the last look at the database on.
	claiming: one(0, 0, 30, 400, 900),
});

/** Each access is tried twice. */
const outage: fc.Arbitrary<Outage> = fc.record({
	after: fc.nat({ max: 30 }),
	failures: one(2, 4, 6, 1),
});

const task: fc.Arbitrary<TaskFate> = fc.record({
	seconds: one(1, 40, 66, 100, 300, 900),
	end: one(
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

const input = fc.oneof(
	{ weight: 400, arbitrary: fc.constant(0) },
	{ weight: 200, arbitrary: fc.nat({ max: HUGE - 1 }) },
	{ weight: 1, arbitrary: fc.constant(HUGE) },
);

/** Every history that can be: what is rare in the world is frequent here. */
export const scenarios: fc.Arbitrary<Scenario> = fc
	.record({
		leaning: one('', '', 'hosts calm', 'n8n calm', 'all calm', 'killed'),
		between: fc.nat({ max: 3 }),
		seed: fc.integer({ min: 1, max: 2 ** 31 }),
		version: one('2.41', '2.41', '1.88'),
		topology: one('regular', 'queue'),
		node: mostly(19, 'generate', fc.constant('status' as const)),
		provider: one('magnific', 'magnific', 'muleRouter'),
		mode: one('trigger', 'trigger', 'manual', 'webhook', 'subWorkflow'),
		agent: mostly<Scenario['agent']>(5, 'none', one('itself', 'engine')),
		asksAgain: one(0, 1, 2),
		agentFails: mostly(2, false, fc.constant(true)),
		items: fc.oneof(
			{ weight: 3, arbitrary: fc.array(input, { minLength: 1, maxLength: 1 }) },
			{ weight: 4, arbitrary: fc.array(input, { minLength: 2, maxLength: 2 }) },
			{ weight: 1, arbitrary: fc.array(input, { minLength: 1, maxLength: 4 }) },
		),
		rounds: mostly(5, 1, one(2, 3)),
		completion: one('poll', 'callback', 'submitOnly'),
		whileWaiting: one('auto', 'auto', 'sleep', 'run'),
		download: mostly(4, false, fc.constant(true)),
		waitLimit: one(2, 2, 5, 12),
		pollInterval: mostly(3, 0, one(1, 30)),
		maxConcurrentTasks: one(1, 2, 3),
		maxTasks: mostly(4, 0, one(1, 2, 3)),
		onError: one('stopWorkflow', 'continueRegularOutput', 'continueErrorOutput'),
		tries: mostly(1, 1, one(2, 3, 5)),
		waitBetweenTries: one(0, 1000, 5000),
		isVolatile: fc.boolean(),
		laterNode: mostly(1, 0, one(1, 30)),
		delays: fc.array(one(0, 0, 0, 1, 4, 250), { maxLength: 6 }),
		tasks: fc.array(task, { maxLength: 4 }),
		creations: some(creations, 6),
		looks: fc.array(look, { maxLength: 8 }),
		lists: fc.array(list, { maxLength: 6 }),
		files: fc.array(file, { maxLength: 4 }),
		callbacks: fc.array(callback, { maxLength: 4 }),
		deaths: mostly(1, [], fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 3 })),
		kills: fc.constant([]),
		restart: one(1, 20, 400),
		keepsDisk: fc.boolean(),
		outages: mostly(5, [], fc.array(outage, { minLength: 1, maxLength: 2 })),
		stalls: mostly(3, [], fc.array(one(1, 31, 70, 200), { minLength: 1, maxLength: 2 })),
		stop: mostly<number | undefined>(9, undefined, one(0, 1, 5, 61, 150)),
		timeout: mostly<number | undefined>(19, undefined, one(1, 10, 100)),
		retries: one(0, 1, 2, 3),
		loadWorkflow: fc.boolean(),
	})
	.map(possible);

/** Of many troubles at once, one hides the other: most histories lean towards some. */
interface Leaning {
	/**
	 * `killed`: one request comes to something, some after it come to tasks, and the process is killed under the next one;
	 * n8n tries again, and so does a person. By chance, all of that rarely comes together.
	 */
	leaning: '' | 'hosts calm' | 'n8n calm' | 'all calm' | 'killed';
	/** `killed`: the number of requests that come to tasks between the first one and the kill. */
	between: number;
}

const HOSTS_CALM = { creations: [], looks: [], lists: [], files: [] };

const N8N_CALM = { deaths: [], outages: [], stalls: [], stop: undefined, timeout: undefined };

function leant({ leaning, between, ...drawn }: Scenario & Leaning): Partial<Scenario> {
	const { creations, tries, retries } = drawn;
	switch (leaning) {
		case 'hosts calm':
			return HOSTS_CALM;
		case 'n8n calm':
			return N8N_CALM;
		case 'all calm':
			return { ...HOSTS_CALM, ...N8N_CALM };
		case 'killed': {
			const fine: CreationFate[] = Array.from({ length: between }, () => ({ kind: 'fine', ms: 0 }));
			return {
				...N8N_CALM,
				whileWaiting: 'sleep',
				tries: Math.max(2, tries),
				creations: [...creations.slice(0, 1), ...fine, { kind: 'deadly', made: 'yes' }],
				retries: Math.max(1, retries),
			};
		}
		default:
			return {};
	}
}

/** Takes away what cannot come together in the real world, or what means nothing there. */
function possible({ leaning, between, ...rest }: Scenario & Leaning): Scenario {
	const drawn: Scenario = { ...rest, ...leant({ leaning, between, ...rest }) };
	if (drawn.node === 'status') drawn.agent = 'none';
	const isAgent = drawn.agent !== 'none';
	// An agent's call waits for no callback.
	if (isAgent && drawn.completion === 'callback') drawn.completion = 'poll';
	const { completion, creations, download, topology } = drawn;
	const isQuiet = leaning === 'n8n calm';
	return {
		...drawn,
		agent: isAgent && drawn.version === '1.88' ? 'itself' : drawn.agent,
		asksAgain: isAgent ? drawn.asksAgain : 0,
		agentFails: isAgent && drawn.agentFails,
		// Other words of a model are another wish.
		isVolatile: drawn.isVolatile && !isAgent,
		mode: isAgent && drawn.mode === 'subWorkflow' ? 'trigger' : drawn.mode,
		// MuleRouter calls nobody.
		provider: completion === 'callback' ? 'magnific' : drawn.provider,
		callbacks: completion === 'callback' ? drawn.callbacks : [],
		files: download ? drawn.files : [],
		stalls: topology === 'queue' ? drawn.stalls : [],
		creations: creations.map((fate) => {
			if (fate.kind === 'deadly' && isQuiet) return { ...fate, kind: 'silent' };
			return isOwnWord(fate) ? { ...fate, body: 'html' } : fate;
		}),
	};
}

/** A 503 in the API's own JSON says that nothing was done. */
function isOwnWord(fate: CreationFate): fate is CreationFate & { kind: 'status' } {
	return fate.kind === 'status' && fate.status === 503 && fate.body === 'echo';
}
