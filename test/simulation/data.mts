import type { INodeExecutionData } from 'n8n-workflow';

/** What n8n keeps of an execution, as far as a node or its fate depends on it. */

export type Item = INodeExecutionData;

export interface NodeState {
	name: string;
	type: string;
	disabled?: boolean;
	[setting: string]: unknown;
}

export interface StackEntry {
	node: NodeState;
	data: { main: Item[][] };
	source: unknown;
	metadata?: Record<string, unknown>;
}

export interface ShownError {
	message: string;
	description?: string;
	context?: unknown;
	stack?: string;
}

export interface TaskData {
	startTime: number;
	executionIndex: number;
	executionStatus?: string;
	data?: { main: Item[][] };
	error?: ShownError;
}

/** n8n's `IRunExecutionData`. */
export interface RunData {
	/** Not on n8n 1.88. */
	resumeToken?: string;
	/** Milliseconds since 1970. */
	waitTill?: number;
	resultData: {
		runData: Record<string, TaskData[]>;
		lastNodeExecuted?: string;
		error?: ShownError;
	};
	executionData: {
		contextData: Record<string, Record<string, unknown>>;
		nodeExecutionStack: StackEntry[];
	};
}

export type Status = 'running' | 'waiting' | 'success' | 'error' | 'canceled' | 'crashed';

/** A row of n8n's table of executions. */
export interface Row {
	readonly id: string;
	status: Status;
	/** As it is stored: never changed in place. */
	data: RunData;
	/** Milliseconds since 1970. */
	waitTill?: number;
	mode: string;
	readonly startedAt: number;
	endedAt?: number;
	/** n8n's event log. */
	readonly events: Array<{ node: string; kind: 'started' | 'finished'; at: number }>;
	/** The stored execution has no stack of nodes to run: n8n refuses to retry it. */
	isBare: boolean;
	/** In queue mode: a job is there for it. */
	hasJob: boolean;
	/** How often its job was given to another worker. */
	stalls: number;
}

/** A run of the node that came to its end, as n8n took it. */
export interface Ended {
	execution: string;
	run: number;
	items: Item[];
	error?: ShownError;
}

/** An execution with nothing in it: what n8n stores where a job has failed. */
export function emptyRunData(token: string | undefined): RunData {
	return {
		...(token === undefined ? {} : { resumeToken: token }),
		resultData: { runData: {} },
		executionData: { contextData: {}, nodeExecutionStack: [] },
	};
}

/** n8n's node context. */
export function contextOf({ executionData }: RunData, name: string): Record<string, unknown> {
	return (executionData.contextData[`node:${name}`] ??= {});
}
