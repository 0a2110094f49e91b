import { sleep } from 'n8n-workflow';
import type { IExecuteFunctions } from 'n8n-workflow';
import { MaybeCreated, NotReached } from '../../shared/errors';
import { continuesOnFail } from '../../shared/n8n/runItems';
import type { Ledger, RequestKey } from './ledger';
import { provideMedia } from './provideMedia';
import type { Provider } from '../../shared/providers';
import { excerpt, isHttpUrl, textsIn } from '../../shared/util/unknown';
import { refusal } from '../../shared/http/refusal';
import type { NodeRun } from '../../shared/n8n/nodeRun';
import type { ConcurrencyLimit } from '../../shared/util/concurrencyLimit';
import type { EndpointName, KlingTask } from '../../shared/task';
import { isFinished, newTask } from '../../shared/task';
import { create, read } from '../../shared/http/transport';
import type { Answer } from '../../shared/http/transport';
import { timing } from '../../shared/timing';

/** A request that costs money once it is sent. */
export interface TaskRequest extends RequestKey {
	provider: Provider;
	endpoint: EndpointName;
	path: string;
	/** With a Media in place of each video and image, until it is sent. */
	body: Record<string, unknown>;
	/** Where the provider is asked to call back; already in the body. */
	callbackUrl?: string;
	/** Milliseconds: how long to go on trying where the provider is busy. */
	patience: number;
}

export interface Submitted {
	task: KlingTask;
	/** Milliseconds since 1970. */
	createdAt: number;
	/** Created just now, by an earlier try, or by an execution that a person has retried. */
	origin: 'new' | 'try' | 'execution';
}

/** Answers after which surely no task exists; 429 and 503 reach here only after patient tries. */
function createdNothing({ status, failure }: Answer): boolean {
	return (
		failure?.sent === false || (status >= 300 && status < 500 && status !== 408) || status === 503
	);
}

/**
 * Creates the tasks of one run, one request at a time, each at most once.
 * One at a time, so that a task whose answer was lost can be told apart in the provider's list.
 */
export class Submitter {
	/** Ids that a provider listed before this run created anything; undefined where none came. */
	private readonly before = new Map<Provider, Set<string> | undefined>();

	constructor(
		private readonly session: NodeRun<IExecuteFunctions>,
		private readonly ledger: Ledger,
		private readonly turn: ConcurrencyLimit,
		private readonly onBusy: () => void,
	) {}

	/**
	 * Creates the task, or finds the one that an earlier try has created.
	 * @throws Refused or NotReached: no task exists; MaybeCreated: one may
	 */
	async submit(order: TaskRequest): Promise<Submitted> {
		return this.remembered(order) ?? (await this.turn.run(async () => await this.sendOrEnd(order)));
	}

	/** When the run is going to end because of this, nobody after it may spend anything. */
	private async sendOrEnd(order: TaskRequest): Promise<Submitted> {
		let isSubmitted = false;
		try {
			const submitted = await this.send(order);
			isSubmitted = true;
			return submitted;
		} finally {
			const { session } = this;
			if (!isSubmitted && !continuesOnFail(session.context.getNode())) session.end();
		}
	}

	private remembered(order: TaskRequest): Submitted | undefined {
		const entry = this.ledger.find(order);
		if (entry?.state === 'uncertain') {
			// Not taken: no call that asks for the same may pass it over, and send the request again.
			throw new MaybeCreated(entry.message, entry.advice, entry.details);
		}
		if (entry === undefined) return undefined;
		this.ledger.take(entry);
		const origin = entry.inherited ? 'execution' : 'try';
		const task = entry.ended ?? newTask(entry.ref, 'CREATED');
		return { task, createdAt: entry.createdAt, origin };
	}

	private async send(order: TaskRequest): Promise<Submitted> {
		const { clock, context } = this.session;
		const { provider, endpoint } = order;
		clock.check();
		await this.listOnce(provider);
		const { onBusy } = this;
		const patiently = () => ({ clock, deadline: clock.now() + order.patience, onBusy });
		const body = await provideMedia(this.session, order, patiently());
		clock.check();
		// From here on a task may exist, whatever goes wrong: not even this code may ask twice.
		this.remember(order, uncertain(order, 'the request was cut off'));
		const pending = create(context, provider, order.path, body, {
			...patiently(),
			hidden: secretsIn(body, order.callbackUrl),
		});
		void this.nameOnStop(provider, pending).catch(() => undefined);
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
			asked: order.requestHash,
			ref: { provider: task.provider, endpoint, taskId: task.taskId },
			createdAt,
			...(isFinished(task) ? { ended: task } : {}),
		});
		this.session.log('Kling task created', task);
		return { task, createdAt, origin: 'new' };
	}

	/** What was there before, so that what appeared since can be named; a free request. */
	private async listOnce(provider: Provider): Promise<void> {
		if (this.before.has(provider)) return;
		this.before.set(provider, await this.list(provider, timing.lostAnswer.triesBefore));
	}

	/** @returns the ids of the account's tasks; undefined where the provider does not tell */
	private async list(provider: Provider, tries: number): Promise<Set<string> | undefined> {
		const { listPath, readList } = provider;
		if (!listPath || !readList) return undefined;
		for (let n = 1; ; n++) {
			// Heard out after Stop, too: it may be the only place that names what was paid for.
			const { status, body } = await read(this.session.context, provider, listPath, false);
			const tasks = status === 200 ? readList(body) : undefined;
			if (tasks) return new Set(tasks.map(({ taskId }) => taskId));
			if (n >= tries || this.session.sinceEnd() >= 0) return undefined;
			await sleep(timing.lostAnswer.pause * n);
		}
	}

	/** The answer is lost, the task perhaps not: it is never asked for again by itself. */
	private async lost(order: TaskRequest, answer: Answer): Promise<never> {
		const { provider } = order;
		const trace = answer.headers.traceparent;
		const reason = `${describe(answer)}${typeof trace === 'string' ? `; request ${excerpt(trace, 80)}` : ''}`;
		// Remembered before anything else is tried: the list may fail, and Stop may come.
		this.remember(order, uncertain(order, reason, answer));
		const found = uncertain(
			order,
			reason,
			answer,
			await this.appearedSince(provider).catch(() => undefined),
		);
		this.remember(order, found);
		this.session.context.logger.warn(`${found.message}. ${found.advice}`);
		throw found;
	}

	private remember(order: TaskRequest, { message, advice, details }: MaybeCreated): void {
		this.ledger.write(order, { state: 'uncertain', message, advice, details });
	}

	private async appearedSince(provider: Provider): Promise<Listed | undefined> {
		if (this.session.sinceEnd() < 0) await sleep(timing.lostAnswer.pause * 3);
		// A second after Stop nothing more is sent; `nameOnStop` has asked by then.
		return this.session.sinceEnd() < timing.lostAnswer.listGrace
			? await this.listNew(provider)
			: undefined;
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
		if (isPending) await sleep(timing.lostAnswer.graceAfterStop);
		if (!isPending) return;
		const listed = await this.listNew(provider);
		context.logger.warn(
			`Stopped while ${provider.label} was creating a task, which may be billed. ${findIt(provider, listed)}`,
		);
	}

	private async listNew(provider: Provider): Promise<Listed | undefined> {
		const now = await this.list(provider, timing.lostAnswer.triesAfter);
		if (!now) return undefined;
		const before = this.before.get(provider);
		const mine = new Set(this.ledger.tasks().map(({ taskId }) => taskId));
		const ids = [...now].filter((id) => !before?.has(id) && !mine.has(id));
		return { ids: ids.slice(0, MOST_NAMED), isSince: before !== undefined };
	}
}

/** What is shorter is no secret, and may stand in an answer by chance. */
const SHORTEST_TOKEN = 16;

/** Whoever knows a resume URL can continue the execution; whoever knows a signed link has its file. */
function secretsIn(body: unknown, callbackUrl?: string): string[] {
	const tokens = textsIn(body)
		.filter(isHttpUrl)
		.flatMap((link) => {
			const { search, searchParams } = new URL(link);
			return [...search.split(/[?&=]/), ...searchParams.values()];
		});
	const long = tokens.filter((token) => token.length >= SHORTEST_TOKEN);
	return callbackUrl === undefined ? long : [callbackUrl, ...long];
}

/** Tasks at the provider that this run does not know. */
interface Listed {
	ids: string[];
	/** Whether they are surely new: the list was read before the request, too. */
	isSince: boolean;
}

/** More than an account can have under way at once. */
const MOST_NAMED = 50;

function uncertain(
	{ provider, endpoint }: TaskRequest,
	reason: string,
	answer?: Answer,
	listed?: Listed,
): MaybeCreated {
	return new MaybeCreated(
		`${provider.label} may have created a task that is billed: ${reason}`,
		`The request was not repeated, so nothing is paid twice. ${findIt(provider, listed)}`,
		{
			provider: provider.name,
			endpoint,
			status: 'unknown',
			reason,
			httpStatus: answer?.status || undefined,
			retryable: false,
			...(listed ? { possibleTaskIds: listed.ids } : {}),
		},
	);
}

function findIt({ label }: Provider, listed: Listed | undefined): string {
	if (!listed) return `Look for it in the ${label} console before you run this item again.`;
	const { ids, isSince } = listed;
	if (ids.length === 0) {
		return `${label} lists no new task, so most likely none was made; look again in a minute before you run this item again.`;
	}
	return `${isSince ? `Since this run began, ${label} lists` : `It may be one of those that ${label} lists`}: ${ids.join(', ')}. Other workflows may have made some of them. Look at them with Kling Task Status before you run this item again.`;
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
