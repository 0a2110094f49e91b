import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';
import type { Clock } from './clock';
import { executionClock } from './clock';
import { PollSchedule } from '../wait/schedule';
import type { KlingTask, TaskRef } from '../task';

/** Where the verbs run: in an execution, or in a call from outside. */
export type NodeContext = IExecuteFunctions | IWebhookFunctions;

/**
 * Whether an AI agent calls the node. n8n has two ways for that: one says so, in the other the node is
 * run like any other, as the type that n8n has derived from it.
 */
export function isToolCall(context: NodeContext): boolean {
	const host = context as Partial<IExecuteFunctions> & NodeContext;
	return (host.isToolExecution?.() ?? false) || host.getNode().type.endsWith('Tool');
}

/** What the verbs share during one run of a node: its clock, its schedule and its end. */
export class NodeRun<Context extends NodeContext = NodeContext> {
	readonly clock: Clock;

	readonly schedule: PollSchedule;

	/** An AI agent called the node. */
	readonly isTool: boolean;

	/** Aborted by Stop, by the workflow's time-out, and when the run gives up. */
	readonly signal: AbortSignal;

	private readonly ending = new AbortController();

	private endedAt = Infinity;

	constructor(readonly context: Context) {
		// Hosts differ in age and kind: what one lacks is done without.
		const host = context as Partial<IExecuteFunctions> & NodeContext;
		this.isTool = isToolCall(context);
		const stop = host.getExecutionCancelSignal?.();
		this.signal = stop ? AbortSignal.any([stop, this.ending.signal]) : this.ending.signal;
		this.signal.addEventListener('abort', () => (this.endedAt = Date.now()), { once: true });
		this.clock = executionClock(this.signal);
		this.schedule = new PollSchedule(this.clock);
	}

	/** Milliseconds since the run was stopped or gave up; negative as long as it goes on. */
	sinceEnd(): number {
		return Date.now() - this.endedAt;
	}

	/** Ends every pause and lets no further request begin; one that creates a task still finishes. */
	readonly end = (): void => this.ending.abort();

	/** The tasks that this run has created. */
	readonly created = (): TaskRef[] => [];

	/** The task of an item, as far as this run knows it. */
	readonly taskOf: (item: number) => TaskRef | undefined = () => undefined;

	/** A line in n8n's log, where a task id survives even when the execution does not. */
	log(message: string, task: TaskRef): void {
		const { provider, endpoint, taskId } = task;
		this.context.logger.info(`${message}: ${taskId}`, { provider, endpoint, taskId });
	}

	/** A note beside the output, for what cost the user no item but should be known. */
	hint(message: string, type: 'info' | 'warning' = 'warning'): void {
		this.context.logger[type === 'info' ? 'info' : 'warn'](message);
		const host = this.context as Partial<IExecuteFunctions>;
		host.addExecutionHints?.({ message, type, location: 'outputPane' });
	}

	/** Tells whoever watches the editor how a task is doing. */
	report(task: KlingTask, elapsed: number): void {
		const host = this.context as Partial<IExecuteFunctions>;
		host.sendMessageToUI?.(
			`Kling task ${task.taskId}: ${task.providerStatus}, ${Math.round(elapsed / 1000)} s`,
		);
	}
}
