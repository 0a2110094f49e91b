import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { FailedItem, Outcome } from '../shared/n8n/runItems';
import type { ItemRequest } from './request/itemRequest';
import { Ledger } from './submit/ledger';
import { lacksReference, missing } from './request/hints';
import { providers } from '../shared/providers';
import { NodeRun } from '../shared/n8n/nodeRun';
import { ConcurrencyLimit } from '../shared/util/concurrencyLimit';
import { Submitter } from './submit/submit';
import type { TaskRequest, Submitted } from './submit/submit';
import type { KlingTask, TaskRef } from '../shared/task';
import { account } from '../shared/http/transport';
import { wait } from '../shared/wait/look';
import type { Waited } from '../shared/wait/look';

/** One run of Generate: what it has created, and how many tasks may be under way. */
export class GenerateRun extends NodeRun<IExecuteFunctions> {
	readonly ledger: Ledger;

	/** Which run of the node in its execution, as in a loop. */
	readonly index: number;

	/** By item: the task that it is about. */
	private readonly tasks = new Map<number, TaskRef>();

	private slots = new ConcurrencyLimit(1);

	private readonly submitter: Submitter;

	constructor(context: IExecuteFunctions) {
		super(context);
		this.index = runIndexOf(context);
		this.ledger = new Ledger(context.getContext('node'), {
			executionId: context.getExecutionId(),
			runIndex: this.index,
			isTool: this.isTool,
			isEachTryARun: context.isToolExecution?.() ?? false,
			signal: this.signal,
		});
		this.submitter = new Submitter(this, this.ledger, new ConcurrencyLimit(1), () =>
			this.slots.reduce(),
		);
	}

	/** Makes room for as many tasks at a time as the user wants. @returns the same */
	plan(entries: Array<ItemRequest | FailedItem>): Array<ItemRequest | FailedItem> {
		const jobs = entries.filter((entry) => 'request' in entry);
		this.slots = new ConcurrencyLimit(jobs[0]?.options.maxConcurrentTasks ?? 1);
		this.warn(jobs);
		return entries;
	}

	/** Whether an earlier try, or an execution that was retried, has created the item's task. */
	hasTask({ request }: ItemRequest): boolean {
		return this.ledger.find(request) !== undefined;
	}

	/**
	 * Whether the item's task is of an execution that a person has retried, and calls back there: here
	 * it has to be asked for.
	 */
	isInherited({ request, completion }: ItemRequest): boolean {
		const entry = this.ledger.find(request);
		return completion === 'callback' && entry?.state === 'created' && entry.inherited === true;
	}

	/** The request that would create the task of an item; it is not sent, and holds no key. */
	async preview({ request }: ItemRequest): Promise<Outcome> {
		const { provider, endpoint, path, body, callbackUrl } = request;
		const { base } = await account(this.context, provider);
		const url = withoutPassword(base + path);
		const shown = { method: 'POST', url, body: jsonOf(body, callbackUrl) };
		return { preview: { provider: provider.name, endpoint, request: shown } };
	}

	/** Creates the task of an item, unless an earlier try has. */
	async submit({ request }: ItemRequest): Promise<Submitted> {
		const submitted = await this.submitter.submit(request);
		this.tasks.set(request.item, submitted.task);
		this.release(request, submitted.task);
		return submitted;
	}

	/**
	 * Creates the task and waits for its end, as soon as there is room for one more. What will call
	 * back is not waited for.
	 */
	async make(job: ItemRequest): Promise<Waited> {
		return await this.slots.run(async () => {
			const until = this.clock.now() + job.options.waitLimit;
			for (let turnedAway = 0; ; ) {
				const submitted = await this.submit(job);
				if (job.completion === 'callback' && submitted.origin !== 'execution') {
					return { task: submitted.task, timedOut: false };
				}
				const waited = await this.waitFor(job, submitted);
				const { task } = waited;
				if (isTurnedAway(task)) {
					// Kling had no room: nothing was made or billed, so the item gets another turn.
					this.slots.reduce();
					const pause = Math.min(turn.firstPause * 2 ** turnedAway++, turn.longestPause);
					if (this.clock.now() + pause > until) return waited;
					this.strike(job.request);
					await this.clock.pause(pause * (0.5 + this.clock.random() / 2));
				} else if (task.status === 'failed' && submitted.origin === 'execution') {
					// It failed before this execution; the person who retried that one wants a new task.
					this.strike(job.request);
				} else {
					this.release(job.request, task);
					this.slots.restore();
					return waited;
				}
			}
		});
	}

	readonly created = () => this.ledger.tasks();

	readonly taskOf = (item: number) => this.tasks.get(item) ?? this.ledger.taskOf(item);

	/**
	 * Leaves nothing behind, unless the same may be asked for once more: by n8n, which with Retry On
	 * Fail runs the node again when the first item is an error item; by an agent, after any error; or
	 * by a person, after Stop.
	 */
	close(output: INodeExecutionData[]): void {
		const hasFailed = output[0]?.json.error !== undefined;
		const mayComeAgain = hasFailed && (this.isTriedAgain() || this.isTool);
		if (!mayComeAgain && this.sinceEnd() < 0) this.ledger.close();
		this.end();
	}

	/** What is about to cost the user money or time. */
	private warn(jobs: ItemRequest[]): void {
		const unnamed = jobs.filter(({ request }) => lacksReference(request.body.prompt));
		if (unnamed.length > 0) {
			this.hint(
				`${unnamed.length === 1 ? 'A prompt does' : `${unnamed.length} prompts do`} not mention @Video1, so Kling may not use the reference video as you mean. Write @Video1 where you mean it`,
				'info',
			);
		}
		const lacking = jobs.flatMap(({ request: { provider, body } }) =>
			missing(body.prompt, provider.references(body)),
		);
		if (lacking.length > 0) {
			this.hint(
				`A prompt mentions ${[...new Set(lacking)].join(', ')}, which its request does not hold, so Kling may make something else than you mean`,
			);
		}
		if (jobs.some(({ options }) => options.validateOnly)) {
			this.hint('Validate Only is on: of these items nothing was sent, and nothing billed', 'info');
		}
		if (this.isTriedAgain() && !('getExecutionCancelSignal' in this.context)) {
			this.hint(
				'Retry On Fail is on, and this n8n is older than any that was tried with it: a further try may pay again. Update n8n, or turn Retry On Fail off',
			);
		}
	}

	/** What an agent asks for after the provider gave its task up is a new one, and no try of n8n's. */
	private release(order: TaskRequest, task: KlingTask): void {
		if (task.status !== 'failed' || !this.isTool) return;
		if (this.isTriedAgain()) this.ledger.end(order, task);
		else this.ledger.strike(order);
	}

	private strike(order: TaskRequest): void {
		this.ledger.strike(order);
		this.tasks.delete(order.item);
	}

	private isTriedAgain(): boolean {
		return this.context.getNode().retryOnFail === true;
	}

	private async waitFor(
		{ request, options }: ItemRequest,
		{ task, createdAt, origin }: Submitted,
	): Promise<Waited> {
		return await wait(
			this,
			task,
			{ createdAt, kind: request.path, isNew: origin === 'new' },
			{ deadline: this.clock.now() + options.waitLimit, pollInterval: options.pollInterval },
		);
	}
}

export function runIndexOf(context: IExecuteFunctions): number {
	return context.getWorkflowDataProxy(0).$runIndex as number;
}

/** Between two turns of a task that found no room, in milliseconds; tests shorten it. */
export const turn = { firstPause: 5_000, longestPause: 120_000 };

function isTurnedAway({ status, provider, failure }: KlingTask): boolean {
	return status === 'failed' && providers[provider].isOverload(failure ?? {});
}

/** A Base URL may name a user of a gateway, and a password. */
function withoutPassword(url: string): string {
	return url.replace(/^(https?:\/\/)[^/?#]*@/i, '$1');
}

/** The body as it would be sent; whoever knows the resume URL can continue the execution. */
function jsonOf(body: Record<string, unknown>, callbackUrl?: string): IDataObject {
	const text = JSON.stringify(body, (_name, value: unknown) =>
		callbackUrl !== undefined && value === callbackUrl ? '[resume URL]' : value,
	);
	return JSON.parse(text) as IDataObject;
}
