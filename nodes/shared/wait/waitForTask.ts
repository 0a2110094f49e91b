import type { Outcome, TaskOutcome } from '../n8n/output';
import { attemptDelivery } from '../result/deliver';
import type { Answer } from '../http/answer';
import { retryAfter } from '../http/transport';
import type { KlingTask } from '../task';
import { isFinished, lacksLink } from '../task';
import { timing } from '../timing';
import { isRefusal, look, settled, unavailable } from './look';
import type { WaitingRun } from './waitingRun';
import type { Watch } from './watch';

/** How a wait has ended. */
export interface Waited {
	task: KlingTask;
	/** The limit passed first; the task goes on at the provider. */
	timedOut: boolean;
}

/**
 * Looks at a task until it has finished or its deadline passes, through any number of turns: all that is
 * known is in the watch. Nothing that may pass by itself ends the wait: no network error, no 429 or 5xx,
 * no page of HTML, no unknown word for a status.
 * @throws TaskUnavailable when the provider keeps saying that there is no such task for this key
 */
export async function waitForTask(run: WaitingRun, watch: Watch): Promise<Waited> {
	while (!isOver(watch)) {
		await run.turn.rest(dueAt(run, watch));
		await lookAt(run, watch);
	}
	if (!watch.timedOut) watch.task = settled(watch.task);
	return { task: watch.task, timedOut: watch.timedOut === true };
}

/** Looks at a task once, and records in its watch how it is. */
export async function lookAt(run: WaitingRun, watch: Watch): Promise<void> {
	const { task, answer } = await look(run, watch.task);
	if (task) takeTask(run, watch, task);
	else takeAnswer(run, watch, answer);
	planNextLook(run, watch, answer);
}

function isOver({ task, timedOut, missingLinks = 0 }: Watch): boolean {
	if (timedOut) return true;
	if (!isFinished(task)) return false;
	return !lacksLink(task) || missingLinks > timing.wait.maxMissingLinks;
}

/** @returns when the next look is due, in milliseconds since 1970 */
function dueAt(run: WaitingRun, { task, nextLook, deadline, lookedAt = 0 }: Watch): number {
	const now = run.clock.now();
	// A clock that was set back must not put the next look off.
	if (lookedAt > now) return now;
	// A link that is missing at the deadline is asked for some times more, and not in one go.
	const due = lacksLink(task) && lookedAt >= deadline ? nextLook : Math.min(nextLook, deadline);
	// A run that sleeps looks at all that is due soon while it is awake: tasks share their turns.
	const near = timing.sleep.shortest / 2;
	// Not again and again: a task that was looked at a moment ago is not due soon.
	return run.isSleepy && due - now < near && now - lookedAt >= near ? now : due;
}

function takeTask(run: WaitingRun, watch: Watch, task: KlingTask): void {
	const now = run.clock.now();
	const { since, lookedAt = since } = watch;
	const isFollowed = watch.isNew || watch.lookedAt !== undefined;
	watch.task = task;
	watch.refusals = 0;
	run.report(task, now - since);
	if (lacksLink(task)) watch.missingLinks = (watch.missingLinks ?? 0) + 1;
	// When a task ended that had done so before the first look is not known.
	else if (isFollowed && task.status === 'completed')
		run.schedule.learn(watch.kind, now - since, lookedAt - since);
}

function takeAnswer(run: WaitingRun, watch: Watch, answer: Answer): void {
	const mayBeUnknown = run.clock.now() - watch.since <= watch.unknownFor;
	if (!isRefusal(answer, mayBeUnknown)) return;
	watch.refusals = (watch.refusals ?? 0) + 1;
	if (watch.refusals >= timing.wait.maxRefusals) throw unavailable(watch.task, answer);
}

function planNextLook(run: WaitingRun, watch: Watch, answer: Answer): void {
	const now = run.clock.now();
	const elapsed = now - watch.since;
	const usual = run.isSleepy
		? run.schedule.nextAsleep(watch.kind, elapsed, watch.pollInterval)
		: run.schedule.next(watch.kind, elapsed, watch.pollInterval);
	const pause = now >= watch.deadline ? timing.poll.shortest : usual;
	watch.lookedAt = now;
	watch.nextLook = now + Math.max(pause, retryAfter(answer, run.clock) ?? 0);
	if (now >= watch.deadline && !isFinished(watch.task)) watch.timedOut = true;
}

/**
 * Fetches the video of a finished task into the item, once in all turns. A host that does not give it
 * just now is waited for as a task is: awake, or asleep.
 * @param field the binary field for it; undefined where the file is not wanted
 */
export async function bringVideo(
	run: WaitingRun,
	watch: Watch,
	field: string | undefined,
): Promise<Outcome> {
	for (;;) {
		const { task, file, fetching } = watch;
		if (file) return { task, file, media: file.media };
		if (fetching) await run.turn.rest(soon(run, fetching.nextAttempt));
		const isThere = task.status === 'completed';
		const wanted = isThere ? field : undefined;
		const delivery = await attemptDelivery(run, task, wanted, fetching?.attempts);
		if (delivery.is === 'done') return keepFile(watch, delivery.outcome);
		const { attempts, pause } = delivery;
		Object.assign(watch, {
			task: delivery.task,
			fetching: { attempts, nextAttempt: run.clock.now() + pause },
		});
	}
}

/** A clock that was set back must not put an attempt off. */
function soon({ clock }: WaitingRun, nextAttempt: number): number {
	return Math.min(nextAttempt, clock.now() + timing.download.patience);
}

function keepFile(watch: Watch, outcome: TaskOutcome): Outcome {
	delete watch.fetching;
	const { task, file, media } = outcome;
	if (file) Object.assign(watch, { task, file: { ...file, media } });
	return outcome;
}
