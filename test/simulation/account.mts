/** An `Account` sums up a history that is over, in the same words for the simulated n8n and for a real one. */

/** An execution as n8n has stored it. */
export interface StoredExecution {
	status: string;
	/** Milliseconds since 1970. */
	startedAt: number;
	data: {
		resultData: { runData: Record<string, StoredRun[]>; error?: unknown };
		executionData?: { contextData?: Record<string, unknown> };
	};
}

interface StoredRun {
	error?: unknown;
	data?: { main?: Array<StoredItem[] | null> };
}

interface StoredItem {
	json: Record<string, unknown>;
	pairedItem?: unknown;
}

/** An n8n and a provider leave these behind when a history is over. */
export interface Remains {
	/** In the order of their beginning. */
	executions: StoredExecution[];
	/** The name of the Kling node. */
	node: string;
	/** n8n's. */
	log: string;
	/** Those that are billed, in the order of their creation. */
	tasks: Array<{ id: string; madeAt: number }>;
	/** Requests that ask for a task. */
	requests: number;
}

export interface Account {
	/** The status of each execution, and how many tasks were billed from its beginning on. */
	executions: Array<{ status: string; paid: number }>;
	requests: number;
	/** The kind of outcome of each item of the last execution, run after run of the node. */
	items: string[];
	/** Where the ID of each task is found. */
	known: string[];
}

/** n8n's and the node's word for a request whose answer is lost. */
const UNCERTAIN = /may have created a task/;

export function accountOf({ executions, node, log, tasks, requests }: Remains): Account {
	const begins = executions.map(({ startedAt }) => startedAt);
	const indexOf = (at: number) => begins.findLastIndex((begin) => begin <= at);
	const places: Array<[string, string]> = [
		[
			'output',
			JSON.stringify(executions.map((each) => runsOf(each, node).map(({ data }) => data))),
		],
		['error', JSON.stringify(executions.map((each) => errorsOf(each, node)))],
		['database', JSON.stringify(executions.map((each) => contextOf(each, node)))],
		['log', log],
	];
	return {
		executions: executions.map(({ status }, index) => ({
			status,
			paid: tasks.filter(({ madeAt }) => indexOf(madeAt) === index).length,
		})),
		requests,
		items: kindsOf(executions.at(-1) as StoredExecution, node),
		known: tasks.map(({ id }) =>
			places
				.filter(([, text]) => text.includes(id))
				.map(([place]) => place)
				.join(', '),
		),
	};
}

function contextOf({ data }: StoredExecution, node: string): unknown {
	return data.executionData?.contextData?.[`node:${node}`];
}

function runsOf({ data }: StoredExecution, node: string): StoredRun[] {
	return data.resultData.runData[node] ?? [];
}

/** Texts alone: the stack and the cause of an error are n8n's own. */
function errorsOf(execution: StoredExecution, node: string): string[] {
	const ofRuns = runsOf(execution, node).map(({ error }) => error);
	return [execution.data.resultData.error, ...ofRuns].map(textOf);
}

function textOf(error: unknown): string {
	const { message, description } = (error ?? {}) as Record<string, unknown>;
	return `${String(message)} ${String(description)}`;
}

function kindsOf(execution: StoredExecution, node: string): string[] {
	return runsOf(execution, node).flatMap(({ error, data }) => {
		if (error) return [`the run ends: ${kindOfError(textOf(error))}`];
		const items = (data?.main ?? []).flatMap((output) => output ?? []);
		return items.sort((a, b) => placeOf(a) - placeOf(b)).map(kindOf);
	});
}

function placeOf({ pairedItem }: StoredItem): number {
	return (
		((Array.isArray(pairedItem) ? pairedItem[0] : pairedItem) as { item?: number } | undefined)
			?.item ?? 0
	);
}

function kindOf({ json }: StoredItem): string {
	if (json.error !== undefined) return kindOfError(String(json.error));
	if (json.timedOut === true) return 'timed out';
	return json.status === 'completed' ? 'video' : String(json.status);
}

function kindOfError(text: string): string {
	return UNCERTAIN.test(text) ? 'uncertain' : 'error';
}
