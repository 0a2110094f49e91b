import type { IExecuteFunctions } from 'n8n-workflow';
import type { Clock } from './clock';
import { executionClock } from './clock';
import { PollSchedule } from './schedule';
import type { KlingTask, TaskRef } from './task';

/** What the verbs share during one run of a node: its clock, its schedule and its end. */
export class Session {
	readonly clock: Clock;

	readonly schedule: PollSchedule;

	/** An AI agent called the node. */
	readonly isTool: boolean;

	/** Aborted by Stop, by the workflow's time-out, and when the run gives up. */
	readonly signal: AbortSignal;

	private readonly ending = new AbortController();

	private endedAt = Infinity;

	constructor(readonly context: IExecuteFunctions) {
		this.isTool = (context.isToolExecution?.() ?? false) || context.getNode().type.endsWith('Tool');
		const stop = context.getExecutionCancelSignal?.();
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

	/** A line in n8n's log, where a task id survives even when the execution does not. */
	log(message: string, task: TaskRef): void {
		const { provider, endpoint, taskId } = task;
		this.context.logger.info(`${message}: ${taskId}`, { provider, endpoint, taskId });
	}

	/** A note beside the output, for what cost the user no item but should be known. */
	hint(message: string, type: 'info' | 'warning' = 'warning'): void {
		this.context.logger[type === 'info' ? 'info' : 'warn'](message);
		this.context.addExecutionHints?.({ message, type, location: 'outputPane' });
	}

	/** Tells whoever watches the editor how a task is doing. */
	report(task: KlingTask, elapsed: number): void {
		this.context.sendMessageToUI(
			`Kling task ${task.taskId}: ${task.providerStatus}, ${Math.round(elapsed / 1000)} s`,
		);
	}
}
