/** One drawn history: plain data, so that it can be shrunk, printed and kept as a named test. */
export interface Scenario {
	/** Of jitter. */
	seed: number;
	version: '2.41' | '1.88';
	/** `regular`: one process does everything. `queue`: a main process, and two workers that run executions. */
	topology: 'regular' | 'queue';
	/** Generate, or Kling Task Status with the operation Wait. */
	node: 'generate' | 'status';
	provider: 'magnific' | 'muleRouter';
	/** `subWorkflow`: another execution waits for this one's answer. */
	mode: 'trigger' | 'manual' | 'webhook' | 'subWorkflow';
	/** An AI agent calls the node, once for each item: `itself` all at once, or n8n's `engine` does it for the agent. */
	agent: 'none' | 'itself' | 'engine';
	/** How often the agent's model asks again, with the same words, after an error. */
	asksAgain: number;
	/** The agent fails after its calls, except in a retry. */
	agentFails: boolean;
	/** An index of `INPUTS` for each input item. */
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
	/** Max Tasks per Execution; 0 for none. */
	maxTasks: number;
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
	files: FileFate[];
	callbacks: CallbackFate[];
	/** Times, by the number of things done, at which a process is killed. */
	deaths: number[];
	/** So many seconds after the beginning, every process that runs executions is killed. */
	kills: number[];
	/** A killed process begins again after so many seconds. */
	restart: number;
	/** In queue mode: a worker begins again with the disk, and so the event log, of the one that was killed. */
	keepsDisk: boolean;
	/** Times at which n8n's database takes no marks. */
	outages: Outage[];
	/** In queue mode: n8n holds a worker that works for gone; after so many seconds. */
	stalls: number[];
	/** Presses Stop so many seconds after the beginning. */
	stop?: number;
	/** The workflow's time-out in seconds. */
	timeout?: number;
	/** How often a person presses "Retry execution" as long as it fails. */
	retries: number;
	/** Retry with the workflow as it is now. */
	loadWorkflow: boolean;
}

export interface Outage {
	/** The number of accesses to the marks that go well before the outage. */
	after: number;
	/** The number of accesses to the marks that fail in the outage. */
	failures: number;
}

export interface TaskFate {
	/** Until it ends. */
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
	| { kind: 'silent'; made: Made }
	/** The process that asks is killed before the answer comes. */
	| { kind: 'deadly'; made: Made };

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
	/** `lag`: so many of the newest are missing; `pageSize` 0 for no pages. */
	| { kind: 'fine'; lag: number; pageSize: number }
	| { kind: 'status'; status: number; body: Body }
	| { kind: 'broken'; code: string };

/** How the host of a result answers. */
export type FileFate =
	| { kind: 'fine' }
	| { kind: 'status'; status: number }
	| { kind: 'broken'; code: string }
	| { kind: 'cut' }
	| { kind: 'stalls' }
	| { kind: 'redirect' };

export interface CallbackFate {
	kind: 'fine' | 'double' | 'never' | 'forged' | 'early';
	/** Milliseconds after the change. */
	ms: number;
	/** Milliseconds between n8n's reading of the execution and the call of the node, and from there to the claim. */
	reading: number;
	claiming: number;
}

/** The simplest history: one item, one task, everything as it should be. */
export const PLAIN: Scenario = {
	seed: 1,
	version: '2.41',
	topology: 'regular',
	node: 'generate',
	provider: 'magnific',
	mode: 'trigger',
	agent: 'none',
	asksAgain: 0,
	agentFails: false,
	items: [0],
	rounds: 1,
	completion: 'poll',
	whileWaiting: 'auto',
	download: false,
	waitLimit: 2,
	pollInterval: 0,
	maxConcurrentTasks: 1,
	maxTasks: 0,
	onError: 'stopWorkflow',
	tries: 1,
	waitBetweenTries: 0,
	isVolatile: false,
	laterNode: 0,
	delays: [],
	tasks: [],
	creations: [],
	looks: [],
	lists: [],
	files: [],
	callbacks: [],
	deaths: [],
	kills: [],
	restart: 1,
	keepsDisk: false,
	outages: [],
	stalls: [],
	retries: 0,
	loadWorkflow: false,
};
