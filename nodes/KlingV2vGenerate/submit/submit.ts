import { sleep } from 'n8n-workflow';
import { InvalidInput, KlingError, NotReached } from '../../shared/errors';
import type { Answer } from '../../shared/http/answer';
import { concealTask, tokensIn } from '../../shared/http/conceal';
import { refusal } from '../../shared/http/refusal';
import { readAccount } from '../../shared/http/credential';
import { create } from '../../shared/http/transport';
import { continuesOnFail } from '../../shared/n8n/nodeErrors';
import type { Provider } from '../../shared/providers';
import { isUsedUp } from '../../shared/providers/kling';
import { newTask } from '../../shared/task';
import type { KlingTask } from '../../shared/task';
import { timing } from '../../shared/timing';
import { asText } from '../../shared/util/unknown';
import type { GenerateRun } from '../generateRun';
import { checkAgain } from '../media/checkMedia';
import { placeOf } from '../request/itemRequest';
import type { ItemRequest, TaskRequest } from '../request/itemRequest';
import { errorOf, isCreated } from './ledger';
import type { CreatedEntry, LedgerEntry } from './ledger';
import { describe, findIt, maybeCreated, TaskLists } from './lostAnswer';
import { mayExist } from './mayExist';
import { Overloads } from './overload';
import { provideMedia } from './provideMedia';
import type { Before } from './writeAhead';

/**
 * Creates the tasks of one run, one request at a time, each at most once.
 * One at a time, so that a task whose answer was lost can be told apart in the provider's list.
 */
export class Submitter {
	private readonly lists: TaskLists;

	/** A request is under way. */
	private isSending = false;

	/** When the files of an item were looked at again, in milliseconds since 1970. */
	private readonly checkedAgain = new Map<number, number>();

	/** Providers whose patience is used up: further items are not asked for. */
	private readonly givenUp = new Map<Provider, KlingError>();

	constructor(private readonly run: GenerateRun) {
		this.lists = new TaskLists(run, () => run.ledger.tasks());
	}

	/**
	 * Creates the task of an item as soon as there is room, unless the ledger has it.
	 * @throws Refused or NotReached: no task exists; MaybeCreated: one may
	 */
	async submit(item: ItemRequest): Promise<CreatedEntry> {
		for (;;) {
			const entry = this.run.ledger.find(item.request);
			if (entry) return await this.known(entry, item);
			if (!(await this.mayBegin(item))) continue;
			const created = await this.sendOrEnd(item);
			if (created) return created;
		}
	}

	/** When the run is going to end because of a failure, no item after it may spend anything. */
	private async sendOrEnd(item: ItemRequest): Promise<CreatedEntry | undefined> {
		let isSent = false;
		try {
			const created = await this.send(item);
			if (created) this.run.occupy(created);
			isSent = true;
			return created;
		} finally {
			if (!isSent && !continuesOnFail(this.run.context.getNode())) this.run.end();
			this.isSending = false;
			this.run.limit.release();
			this.run.turn.changed();
		}
	}

	private async known(entry: LedgerEntry, item: ItemRequest): Promise<CreatedEntry> {
		const { run } = this;
		if (!isCreated(entry)) {
			// It is not taken: no call that asks for the same may pass it over, and send the request again.
			if (!run.ledger.isInherited(entry)) throw errorOf(entry);
			// n8n has stored the execution in the midst of the request, and was killed: the marks know more.
			run.ledger.inherit(entry);
			const found = await this.recover(item, entry, 'sent');
			if (!found) throw notRead(item.request);
			run.occupy(found);
			return found;
		}
		item.clip = entry.wishes.clip;
		// The fate of the task is told first: only a person who knows it pays for another one.
		if (run.ledger.isInherited(entry)) {
			run.ledger.adopt(entry, run.clock.now() + item.options.waitLimit, item);
		} else run.ledger.take(entry);
		run.occupy(entry);
		return entry;
	}

	/** Rests until the item may be asked for. @returns whether the item now has the way to itself */
	private async mayBegin({ request: { provider } }: ItemRequest): Promise<boolean> {
		const { run } = this;
		const { limit, overloads } = run;
		const hasWay = () => !this.isSending && limit.hasRoom;
		if (!hasWay()) {
			// Only then it shows whether the provider has to be waited for as well.
			await run.turn.rest(Infinity, hasWay);
			return false;
		}
		const dueAt = this.givenUp.has(provider) ? 0 : overloads.until(provider);
		if (dueAt > run.clock.now()) {
			await run.turn.rest(dueAt, () => this.givenUp.has(provider));
			return false;
		}
		const refused = this.givenUp.get(provider);
		if (refused) throw refused;
		this.isSending = true;
		limit.take();
		return true;
	}

	/** @returns nothing where the provider surely has done nothing, and may be asked again later */
	private async send(item: ItemRequest): Promise<CreatedEntry | undefined> {
		const { run } = this;
		const { request } = item;
		const { provider } = request;
		run.clock.check();
		await this.lists.readBefore(provider);
		const wasSent = await run.wasSent(item);
		if (!wasSent) await this.checkAgain(item);
		const body = wasSent ? {} : await provideMedia(run, item);
		// Read before anything is recorded: a credential that cannot work sends nothing.
		const account = await readAccount(run.context, provider);
		run.clock.check();
		const entry = run.ledger.intend(request, maybeCreated(request, 'the request was cut off'));
		entry.place = run.tally.take();
		const before = await run.writeAhead.intend(entry);
		if (before === 'skipped') return await this.forget(entry, true);
		if (before !== 'nothing') {
			const found = before === 'unknown' ? undefined : await this.recover(item, entry, before);
			if (found) return found;
			// The marks that are there are those of before: they stay.
			run.ledger.putBack(entry);
			run.tally.release(entry.place);
			throw notRead(request);
		}
		if (wasSent) return await this.forget(entry);
		await this.claimPlace(item, entry);
		// The database may have taken its time: after Stop, nothing more is sent.
		if (run.signal.aborted) await this.forget(entry);
		run.clock.check();
		// The process may be killed before the answer is there: the log then says what was under way.
		run.context.logger.info(
			`Creating a Kling task: ${provider.label}, item ${request.item}, run ${run.index}`,
		);
		const secrets = [...tokensIn(body), ...(request.callbackUrl ? [request.callbackUrl] : [])];
		const pending = create(run.context, provider, account, request.path, body, secrets);
		void this.reportOnStop(provider, pending).catch(() => undefined);
		return await this.take(item, entry, await pending);
	}

	/**
	 * Claims the place of a request in the tally of the execution. A process that was killed has lost its
	 * tally, but not the marks of its places; and another call of an agent may have taken the last one.
	 */
	private async claimPlace({ request, options }: ItemRequest, entry: LedgerEntry): Promise<void> {
		const { maxTasksPerExecution: most } = options;
		if (most === Infinity) return;
		const { tally } = this.run;
		entry.place ??= tally.take();
		while (entry.place <= most) {
			const wasClaimed = await this.run.writeAhead.isClaimed(entry.place);
			entry.isClaimed = wasClaimed === false;
			if (entry.isClaimed) return;
			if (wasClaimed === undefined) {
				await this.forget(entry);
				throw notRead(request);
			}
			entry.place = tally.take();
		}
		await this.forget(entry);
		const { provider, endpoint } = request;
		const problem = tally.problem(1, most);
		throw new InvalidInput(problem ? [problem] : [], { provider: provider.name, endpoint });
	}

	/**
	 * An item may have waited for hours: its files are looked at once more before anything is paid.
	 * @throws InvalidInput
	 */
	private async checkAgain(item: ItemRequest): Promise<void> {
		const { run, checkedAgain } = this;
		const checkedAt = checkedAgain.get(item.item) ?? run.checkedAt;
		if (run.clock.now() - checkedAt <= timing.media.seenFor) return;
		const problems = await checkAgain(run, item);
		if (problems.length > 0) throw new InvalidInput(problems, placeOf(item));
		checkedAgain.set(item.item, run.clock.now());
	}

	private async take(
		item: ItemRequest,
		entry: LedgerEntry,
		answer: Answer,
	): Promise<CreatedEntry | undefined> {
		const { request } = item;
		const { provider, endpoint } = request;
		const isSuccess = answer.status >= 200 && answer.status < 300;
		const task = isSuccess ? this.readCreated(request, answer) : undefined;
		if (task) {
			this.run.overloads.clear(provider);
			return await this.keep(item, entry, task);
		}
		const problem = provider.readProblem(answer.body);
		const isPaced = asText(answer.headers['retry-after']) !== undefined;
		switch (mayExist(answer, problem, isUsedUp(problem, isPaced))) {
			case 'uncertain':
				return await this.reportLostAnswer(request, entry, answer);
			case 'refused':
				await this.forget(entry);
				throw refusal(provider, answer, { endpoint });
			case 'sentAgain': {
				await this.forget(entry);
				const patience = Overloads.patience(answer, request.patience, this.run.maySleep);
				if (this.run.overloads.add(provider, answer, patience)) {
					if (answer.status === 429) this.run.limit.reduce();
					return undefined;
				}
				const error = notDone(request, answer);
				this.givenUp.set(provider, error);
				throw error;
			}
		}
	}

	/** An exception of our own code says nothing about the task: it counts as an unreadable answer. */
	private readCreated({ provider, endpoint }: TaskRequest, answer: Answer): KlingTask | undefined {
		try {
			const task = provider.readCreated(endpoint, answer.body);
			return task && concealTask(task, answer.conceal);
		} catch (error) {
			this.run.context.logger.error(`A creation's answer could not be read: ${String(error)}`);
			return undefined;
		}
	}

	private async keep(
		item: ItemRequest,
		entry: LedgerEntry,
		task: KlingTask,
	): Promise<CreatedEntry> {
		const created = this.run.ledger.setCreated(entry, this.run.watchOf(item, task), item);
		this.run.log('Kling task created', task);
		this.run.tag(task);
		this.run.ledger.strikeInherited(entry.item);
		await this.run.writeAhead.created(entry, task.taskId);
		return created;
	}

	/**
	 * The request was sent before, by a process that was ended before its ledger was stored. Its task is
	 * found where the provider lists tasks; otherwise the item fails once, and a retry of that pays again.
	 * So does an item in whose place another request was sent: nobody here can tell whether it is a new one.
	 * @returns nothing where n8n's database does not tell
	 */
	private async recover(
		item: ItemRequest,
		entry: LedgerEntry,
		before: Extract<Before, 'sent' | 'another'>,
	): Promise<CreatedEntry | undefined> {
		const { request } = item;
		const { provider, endpoint } = request;
		const listed = await this.lists.readUnknown(provider).catch(() => undefined);
		const isSame = before === 'sent';
		const taskId = isSame && (await this.run.writeAhead.find(entry, listed?.ids ?? []));
		if (taskId === null) return undefined;
		if (taskId) {
			const task = newTask({ provider: provider.name, endpoint, taskId }, 'CREATED');
			return await this.keep(item, entry, task);
		}
		const reason = `n8n was ended after an earlier run had sent ${isSame ? 'this request' : 'another request for this item'}`;
		const error = maybeCreated(request, reason, undefined, listed);
		this.run.ledger.setUncertain(entry, error);
		this.run.ledger.strikeInherited(entry.item);
		this.warnOf(entry, error);
		throw error;
	}

	/**
	 * Surely no task exists: the item may be asked for again.
	 * @param isSkipped an agent's next call like it takes the place behind it
	 */
	private async forget(entry: LedgerEntry, isSkipped = false): Promise<undefined> {
		const { ledger, writeAhead, tally } = this.run;
		ledger.strike(entry);
		// The marks are next in the database's queue: the call that takes the place finds none.
		if (!isSkipped && ledger.giveBack(entry)) await writeAhead.forget(entry);
		else await writeAhead.skip(entry);
		if (entry.place !== undefined) tally.release(entry.place);
	}

	/** The answer is lost, the task perhaps not: it is never asked for again by itself. */
	private async reportLostAnswer(
		request: TaskRequest,
		entry: LedgerEntry,
		answer: Answer,
	): Promise<never> {
		const { run } = this;
		const reason = describe(answer);
		// Recorded before anything else is tried: the list may fail, and Stop may come.
		run.ledger.setUncertain(entry, maybeCreated(request, reason, answer));
		run.ledger.strikeInherited(entry.item);
		const listed = await this.appearedSince(request.provider).catch(() => undefined);
		const found = maybeCreated(request, reason, answer, listed);
		run.ledger.setUncertain(entry, found);
		this.warnOf(entry, found);
		throw found;
	}

	/** While an execution sleeps, and after Stop, n8n shows no error item: its log does. */
	private warnOf(entry: LedgerEntry, { message, advice }: KlingError): void {
		this.run.context.logger.warn(`Item ${entry.item}: ${message}. ${advice}`);
		entry.isTold = true;
	}

	private async appearedSince(provider: Provider) {
		// The end of the run, by Stop or by another item's error, cuts the pause short.
		await this.run.clock.pause(timing.lostAnswer.pause * 3).catch(() => undefined);
		// Some time after it nothing more is sent; `reportOnStop` has asked by then.
		const isInTime = this.run.sinceEnd() < timing.lostAnswer.listGrace;
		return isInTime ? await this.lists.readNew(provider) : undefined;
	}

	/**
	 * Stop while a task is being created: its answer is heard out, and where it does not come soon, the
	 * list is asked for the tasks that have appeared. n8n's log names them.
	 */
	private async reportOnStop(provider: Provider, pending: Promise<unknown>): Promise<void> {
		const { signal, context } = this.run;
		let isPending = true;
		await new Promise<void>((goOn) => {
			const stop = () => goOn();
			const answered = () => {
				isPending = false;
				signal.removeEventListener('abort', stop);
				goOn();
			};
			if (signal.aborted) goOn();
			else signal.addEventListener('abort', stop);
			pending.then(answered, answered);
		});
		if (isPending) await sleep(timing.lostAnswer.graceAfterStop);
		if (!isPending) return;
		const listed = await this.lists.readNew(provider);
		context.logger.warn(
			`Stopped while ${provider.label} was creating a task, which may be billed. ${findIt(provider, listed)}`,
		);
	}
}

/** @returns the error for a request that the provider would not take in time */
function notDone({ provider, endpoint }: TaskRequest, answer: Answer): KlingError {
	if (!answer.failure) return refusal(provider, answer, { endpoint });
	const { reason } = answer.failure;
	return new NotReached(
		`${provider.label} could not be reached: ${reason}`,
		'No request was sent, so nothing was billed. Check the network and the Base URL in the credential, then run again.',
		{ provider: provider.name, endpoint, reason, retryable: true },
	);
}

/** @returns the error for a request that may have been sent before: the marks that would tell could not be read */
function notRead({ provider, endpoint }: TaskRequest): KlingError {
	const reason =
		"n8n's database does not say whether this request was sent before n8n was ended. Nothing was sent now: try again in a minute";
	return new KlingError(
		reason,
		`A task may exist from before. Press "Retry execution" of the failed execution once more, or look for it in the ${provider.label} console. n8n's log holds the error of the database.`,
		{ provider: provider.name, endpoint, reason, retryable: true },
	);
}
