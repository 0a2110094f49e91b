import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';
import type { KlingTask, TaskRef } from '../task';
import { executionClock } from './clock';
import type { Clock } from './clock';

/** The two ways n8n runs a node: in an execution, or for a call from outside. */
export type NodeContext = IExecuteFunctions | IWebhookFunctions;

const TAG = 'klingTaskId';
const LONGEST_TAG = 255;

/** A message beside the output. */
interface Hint {
	message: string;
	type: 'info' | 'warning';
}

/**
 * Whether an AI agent calls the node. n8n has two ways for that: one says so, in the other the node is
 * run like any other, as the type that n8n has derived from it.
 */
export function isToolCall(context: NodeContext): boolean {
	const host = context as Partial<IExecuteFunctions> & NodeContext;
	return (host.isToolExecution?.() ?? false) || host.getNode().type.endsWith('Tool');
}

/** @returns which run of the node in its execution, as in a loop */
export function runIndexOf(context: IExecuteFunctions): number {
	return context.getWorkflowDataProxy(0).$runIndex as number;
}

/** One run of a node: its clock, its end, and what it tells the user. */
export class NodeRun<Context extends NodeContext = NodeContext> {
	readonly clock: Clock;

	/** An AI agent called the node. */
	readonly isTool: boolean;

	/** Aborted by Stop, by the workflow's time-out, and when the run gives up. */
	readonly signal: AbortSignal;

	/** The hints given so far. */
	readonly hints: Hint[] = [];

	private readonly ending = new AbortController();

	private endedAt = Infinity;

	constructor(readonly context: Context) {
		// Hosts differ in age and kind: a function that one lacks is done without.
		const host = context as Partial<IExecuteFunctions> & NodeContext;
		this.isTool = isToolCall(context);
		const stop = host.getExecutionCancelSignal?.();
		this.signal = stop ? AbortSignal.any([stop, this.ending.signal]) : this.ending.signal;
		this.signal.addEventListener('abort', () => (this.endedAt = Date.now()), { once: true });
		this.clock = executionClock(this.signal);
	}

	/** Milliseconds since the run was stopped or gave up; negative as long as it goes on. */
	sinceEnd(): number {
		// A clock that was set back meanwhile does not bring the run back.
		return this.signal.aborted ? Math.max(0, Date.now() - this.endedAt) : -Infinity;
	}

	/** Ends every pause and lets no further request begin; one that creates a task still finishes. */
	readonly end = (): void => this.ending.abort();

	/** A line in n8n's log, where a task ID survives even when the execution does not. */
	log(message: string, task: TaskRef): void {
		const { provider, endpoint, taskId } = task;
		this.context.logger.info(`${message}: ${taskId}`, { provider, endpoint, taskId });
	}

	/**
	 * Lets the execution be found by the task, in the filter of n8n's list of executions. n8n takes texts of
	 * up to 255 characters there: the IDs of the newest tasks.
	 */
	tag({ taskId }: TaskRef): void {
		try {
			const { customData } = this.context as Partial<IExecuteFunctions>;
			const known = customData?.get(TAG)?.split(' ') ?? [];
			const ids = [taskId, ...known.filter((id) => id !== taskId)];
			while (ids.join(' ').length > LONGEST_TAG && ids.length > 1) ids.pop();
			customData?.set(TAG, ids.join(' '));
		} catch (error) {
			// It helps to find a task, and must not cost one.
			this.context.logger.warn(`The execution could not be tagged: ${String(error)}`);
		}
	}

	/** A message beside the output, once. */
	hint(message: string, type: Hint['type'] = 'warning'): void {
		if (this.hints.some((hint) => hint.message === message)) return;
		this.hints.push({ message, type });
		this.context.logger[type === 'info' ? 'info' : 'warn'](message);
		const host = this.context as Partial<IExecuteFunctions>;
		host.addExecutionHints?.({ message, type, location: 'outputPane' });
	}

	/** Shows in the editor how a task is doing. */
	report(task: KlingTask, elapsed: number): void {
		const host = this.context as Partial<IExecuteFunctions>;
		host.sendMessageToUI?.(
			`Kling task ${task.taskId}: ${task.providerStatus}, ${Math.round(elapsed / 1000)} s`,
		);
	}
}
