import type { Scenario } from './scenario.mts';

/** A history that once ended badly. */
export interface History {
	title: string;
	scenario: Partial<Scenario>;
}

/** What the simulation has found: each is a test of its own. */
export const HISTORIES: History[] = [
	{
		title:
			'a request that was refused, was sent again by Retry On Fail and cut off by a kill is not sent once more by Retry execution',
		scenario: {
			items: [0, 0],
			rounds: 2,
			onError: 'continueErrorOutput',
			tries: 2,
			creations: [
				{ kind: 'success', body: 'empty', made: 'yes' },
				{ kind: 'success', body: 'empty', made: 'yes' },
				{ kind: 'status', status: 301, body: 'empty', retryAfter: 0, made: 'no' },
			],
			deaths: [68],
			retries: 3,
		},
	},
	{
		title:
			'two workers that run one execution in the same moment, both with the first mark of the workflow, pay once',
		scenario: {
			version: '1.88',
			topology: 'queue',
			pollInterval: 1,
			laterNode: 1,
			delays: [0, 0, 4],
			lists: [{ kind: 'status', status: 200, body: 'empty' }],
			stalls: [1],
		},
	},
	{
		title:
			'a link that is missing at the deadline is asked for with pauses, and not three times in one go',
		scenario: { rounds: 2, tasks: [{ seconds: 1, end: 'noLink' }] },
	},
	{
		title: 'a link that is missing at the deadline is not asked for sooner than Retry-After says',
		scenario: {
			tries: 2,
			laterNode: 1,
			tasks: [{ seconds: 1, end: 'noLink' }],
			looks: [
				{ kind: 'fine', ms: 0 },
				{ kind: 'status', status: 200, body: 'empty', retryAfter: 20 },
				{ kind: 'status', status: 200, body: 'empty', retryAfter: 20 },
			],
		},
	},
	{
		title: 'a lost answer names its task, also where another item ends the run meanwhile',
		scenario: {
			items: [0, 0],
			whileWaiting: 'run',
			pollInterval: 1,
			maxConcurrentTasks: 2,
			tries: 2,
			tasks: [{ seconds: 1, end: 'cancelled' }],
			creations: [
				{ kind: 'fine', ms: 0 },
				{ kind: 'status', status: 303, body: 'empty', retryAfter: 0, made: 'yes' },
			],
		},
	},
	{
		title:
			'an item that a killed process had sent is not sent again by a retry that a callback has continued on n8n 1.88',
		scenario: {
			version: '1.88',
			items: [0, 0],
			completion: 'callback',
			onError: 'continueRegularOutput',
			creations: [{ kind: 'status', status: 301, body: 'empty', retryAfter: 0, made: 'no' }],
			deaths: [20],
			retries: 2,
		},
	},
	{
		title:
			"an agent's calls that a killed process had sent are not sent again by a retry, though n8n counts them as other runs",
		scenario: {
			agent: 'engine',
			items: [0, 0],
			creations: [
				{ kind: 'fine', ms: 0 },
				{ kind: 'deadly', made: 'yes' },
			],
			retries: 1,
		},
	},
	{
		title:
			'a callback that n8n has read before another one, and works on in the midst of its turn, is none',
		scenario: {
			topology: 'queue',
			rounds: 2,
			completion: 'callback',
			laterNode: 1,
			callbacks: [{ kind: 'double', ms: 0, reading: 800, claiming: 900 }],
		},
	},
	{
		title: 'a late callback of one round of a loop wakes no sleep of the next round',
		scenario: {
			topology: 'queue',
			items: [0, 0],
			rounds: 2,
			completion: 'callback',
			pollInterval: 1,
			laterNode: 1,
			creations: [
				{ kind: 'status', status: 303, body: 'empty', retryAfter: 0, made: 'yes' },
				{ kind: 'fine', ms: 0 },
				{ kind: 'fine', ms: 0 },
				{ kind: 'status', status: 429, body: 'message', retryAfter: 3600, made: 'no' },
			],
			callbacks: [
				{ kind: 'fine', ms: 0, reading: 0, claiming: 0 },
				{ kind: 'fine', ms: 0, reading: 0, claiming: 0 },
				{ kind: 'double', ms: 0, reading: 0, claiming: 900 },
			],
			retries: 2,
		},
	},
	{
		title:
			"an agent's call gets no task of another round on n8n 1.88, where each round counts its runs anew",
		scenario: {
			version: '1.88',
			agent: 'itself',
			asksAgain: 1,
			items: [0, 0],
			rounds: 2,
			download: true,
			pollInterval: 1,
			onError: 'continueRegularOutput',
			tries: 2,
			laterNode: 1,
			tasks: [
				{ seconds: 66, end: 'cancelled' },
				{ seconds: 1, end: 'cancelled' },
				{ seconds: 1, end: 'noLink' },
			],
			deaths: [0],
			retries: 2,
		},
	},
	{
		title:
			'what an agent has asked for is taken up, and not paid again, when the agent itself failed and is retried',
		scenario: { agent: 'engine', agentFails: true, completion: 'submitOnly', retries: 1 },
	},
	{
		title: 'the same holds for MuleRouter on n8n 1.88, and for two calls at once',
		scenario: {
			version: '1.88',
			provider: 'muleRouter',
			agent: 'itself',
			items: [0, 0],
			agentFails: true,
			completion: 'submitOnly',
			retries: 1,
		},
	},
	{
		title:
			'a resume that n8n 1.88 has let through beside another one pays for no item that the other has paid for, after that one has ended well',
		scenario: {
			version: '1.88',
			topology: 'queue',
			items: [0, 0],
			completion: 'callback',
			whileWaiting: 'sleep',
			pollInterval: 1,
			tries: 2,
			tasks: [
				{ seconds: 1, end: 'completed' },
				{ seconds: 1, end: 'completed' },
			],
			creations: [
				{ kind: 'fine', ms: 0 },
				{ kind: 'fine', ms: 0 },
				{ kind: 'deadly', made: 'yes' },
			],
			lists: [
				{ kind: 'fine', lag: 0, pageSize: 0 },
				{ kind: 'fine', lag: 0, pageSize: 0 },
				{ kind: 'status', status: 200, body: 'empty' },
			],
			callbacks: [
				{ kind: 'double', ms: 50, reading: 800, claiming: 0 },
				{ kind: 'fine', ms: 50, reading: 0, claiming: 0 },
			],
			retries: 1,
		},
	},
];
