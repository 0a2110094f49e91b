import { sleep } from 'n8n-workflow';
import type { IDataObject } from 'n8n-workflow';
import { MaybeCreated, NotReached } from './errors';
import type { Ledger, Place } from './ledger';
import type { Provider } from './providers';
import { excerpt } from './read';
import { refusal } from './refusal';
import type { Session } from './session';
import type { Slots } from './slots';
import type { EndpointName, KlingTask } from './task';
import { newTask } from './task';
import { create, read } from './transport';
import type { Answer } from './transport';

/** A request that costs money once it is sent. */
export interface Order extends Place {
	provider: Provider;
	endpoint: EndpointName;
	path: string;
	body: IDataObject;
	/** Milliseconds: how long to go on trying where the provider is busy. */
	patience: number;
}

export interface Submitted {
	task: KlingTask;
	/** Milliseconds since 1970. */
	createdAt: number;
	/** Created just now, and not by an earlier try. */
	isNew: boolean;
}

/** Answers after which surely no task exists; 429 and 503 reach here only after patient tries. */
function createdNothing({ status, failure }: Answer): boolean {
	return (
		failure?.sent === false || (status >= 300 && status < 500 && status !== 408) || status === 503
	);
}

/** Milliseconds after Stop in which the list may still be asked. */
const LAST_WORD_MS = 800;

/** Around a lost answer, in milliseconds; tests shorten it. */
export const lostAnswer = {
	/** How long a task gets to show up in the provider's list. */
	pauseBeforeList: 3_000,
	/** How long after Stop an answer is awaited before the list is asked instead. */
	graceAfterStop: 400,
};

/**
 * Creates the tasks of one run, one request at a time, each at most once.
 * One at a time, so that a task whose answer was lost can be told apart in the provider's list.
 */
export class Submitter {
	/** Ids that the provider listed before this run created anything; undefined where it cannot list. */
	private readonly before = new Map<Provider, Set<string> | undefined>();

	constructor(
		private readonly session: Session,
		private readonly ledger: Ledger,
		private readonly turn: Slots,
		private readonly onBusy: () => void,
	) {}

	/**
	 * Creates the task, or finds the one that an earlier try has created.
	 * @throws Refused or NotReached: no task exists; MaybeCreated: one may
	 */
	async submit(order: Order): Promise<Submitted> {
		return this.remembered(order) ?? (await this.turn.use(async () => await this.send(order)));
	}

	private remembered(order: Order): Submitted | undefined {
		const entry = this.ledger.find(order);
		if (entry?.state === 'uncertain') {
			throw new MaybeCreated(entry.message, entry.advice, entry.details);
		}
		if (entry === undefined) return undefined;
		return { task: newTask(entry.ref, 'CREATED'), createdAt: entry.createdAt, isNew: false };
	}

	private async send(order: Order): Promise<Submitted> {
		const { clock, context } = this.session;
		const { provider, endpoint } = order;
		clock.check();
		await this.listOnce(provider);
		clock.check();
		// From here on a task may exist, whatever goes wrong: not even this code may ask twice.
		this.remember(order, uncertain(order, 'the request was cut off'));
		const pending = create(context, provider, order.path, order.body, {
			clock,
			deadline: clock.now() + order.patience,
			onBusy: this.onBusy,
		});
		void this.nameOnStop(provider, pending);
		let answer: Answer | undefined;
		try {
			answer = await pending;
		} finally {
			if (!answer || createdNothing(answer)) this.ledger.strike(order);
		}
		if (answer.failure?.sent === false) throw notReached(provider, endpoint, answer.failure.reason);
		if (createdNothing(answer)) throw refusal(provider, answer, { endpoint });
		const isSuccess = answer.status >= 200 && answer.status < 300;
		const task = isSuccess ? provider.readCreated(endpoint, answer.body) : undefined;
		if (!task) return await this.lost(order, answer);

		const createdAt = clock.now();
		this.ledger.write(order, {
			state: 'created',
			asked: order.asked,
			ref: { provider: task.provider, endpoint, taskId: task.taskId },
			createdAt,
		});
		this.session.log('Kling task created', task);
		return { task, createdAt, isNew: true };
	}

	/** What was there before, so that what appeared since can be named; a free request. */
	private async listOnce(provider: Provider): Promise<void> {
		if (!this.before.has(provider)) this.before.set(provider, await this.list(provider));
	}

	private async list(provider: Provider, endsOnStop = true): Promise<Set<string> | undefined> {
		if (!provider.listPath || !provider.readList) return undefined;
		const { context } = this.session;
		const { body } = await read(context, provider, provider.listPath, endsOnStop);
		const tasks = provider.readList(body);
		return tasks && new Set(tasks.map(({ taskId }) => taskId));
	}

	/** The answer is lost, the task perhaps not: it is never asked for again by itself. */
	private async lost(order: Order, answer: Answer): Promise<never> {
		const { provider } = order;
		const trace = answer.headers.traceparent;
		const reason = `${describe(answer)}${typeof trace === 'string' ? `; request ${excerpt(trace, 80)}` : ''}`;
		// Remembered before anything else is tried: the list may fail, and Stop may come.
		this.remember(order, uncertain(order, reason, answer));
		const found = uncertain(order, reason, answer, await this.appearedSince(provider));
		this.remember(order, found);
		this.session.context.logger.warn(`${found.message}. ${found.advice}`);
		throw found;
	}

	private remember(order: Order, { message, advice, details }: MaybeCreated): void {
		this.ledger.write(order, { state: 'uncertain', message, advice, details });
	}

	private async appearedSince(provider: Provider): Promise<string[] | undefined> {
		if (!this.before.get(provider)) return undefined;
		if (this.session.sinceEnd() < 0) await sleep(lostAnswer.pauseBeforeList);
		// A second after Stop nothing more is sent; `nameOnStop` has asked by then.
		return this.session.sinceEnd() < LAST_WORD_MS ? await this.listNew(provider) : undefined;
	}

	/**
	 * A person who presses Stop while a task is being created hears of it in the log: its answer is
	 * heard out, and where it does not come soon, the list is asked what has appeared.
	 */
	private async nameOnStop(provider: Provider, pending: Promise<unknown>): Promise<void> {
		const { signal, context } = this.session;
		let isPending = true;
		await new Promise<void>((goOn) => {
			const stop = () => goOn();
			const settle = () => {
				isPending = false;
				signal.removeEventListener('abort', stop);
				goOn();
			};
			if (signal.aborted) goOn();
			else signal.addEventListener('abort', stop);
			pending.then(settle, settle);
		});
		if (isPending) await sleep(lostAnswer.graceAfterStop);
		if (!isPending) return;
		const ids = await this.listNew(provider);
		context.logger.warn(
			`Stopped while ${provider.label} was creating a task, which may be billed. ${findIt(provider, ids)}`,
		);
	}

	private async listNew(provider: Provider): Promise<string[] | undefined> {
		const before = this.before.get(provider);
		if (!before) return undefined;
		const now = await this.list(provider, false);
		const mine = new Set(this.ledger.tasks().map(({ taskId }) => taskId));
		return now && [...now].filter((id) => !before.has(id) && !mine.has(id));
	}
}

function uncertain(
	{ provider, endpoint }: Order,
	reason: string,
	answer?: Answer,
	possibleTaskIds?: string[],
): MaybeCreated {
	return new MaybeCreated(
		`${provider.label} may have created a task that is billed: ${reason}`,
		`The request was not repeated, so nothing is paid twice. ${findIt(provider, possibleTaskIds)}`,
		{
			provider: provider.name,
			endpoint,
			status: 'unknown',
			reason,
			httpStatus: answer?.status || undefined,
			retryable: false,
			...(possibleTaskIds ? { possibleTaskIds } : {}),
		},
	);
}

function findIt(provider: Provider, possibleTaskIds: string[] | undefined): string {
	if (!possibleTaskIds) {
		return `Look for it in the ${provider.label} console before you run this item again.`;
	}
	if (possibleTaskIds.length === 0) {
		return `${provider.label} lists no new task, so most likely none was made; look again in a minute before you run this item again.`;
	}
	return `Since then ${provider.label} lists: ${possibleTaskIds.join(', ')}. Fetch it with Kling Task Status instead of running this item again.`;
}

function notReached({ name, label }: Provider, endpoint: EndpointName, reason: string): NotReached {
	return new NotReached(
		`${label} could not be reached: ${reason}`,
		'No request was sent, so nothing was billed. Check the network and the Base URL in the credential, then run again.',
		{ provider: name, endpoint, reason, retryable: true },
	);
}

function describe({ status, body, failure }: Answer): string {
	if (failure) return `no answer came (${failure.reason})`;
	const text = typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
	const shown =
		text.trim() === ''
			? 'an empty answer'
			: `an answer without a usable task ID: ${excerpt(text, 200)}`;
	return `HTTP ${status} with ${shown}`;
}
