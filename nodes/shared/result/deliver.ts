import type { IBinaryData } from 'n8n-workflow';
import { DownloadFailed } from '../errors';
import type { TaskOutcome } from '../n8n/output';
import { storedSource } from '../media/binarySource';
import { isFault } from '../media/fault';
import { readVideo } from '../media/video';
import type { VideoFacts } from '../media/video';
import type { NodeRun } from '../n8n/nodeRun';
import { linkExpiry } from '../util/linkExpiry';
import type { KlingTask } from '../task';
import { attemptDownload, download } from './download';
import type { Attempt, Attempts } from './download';

/** A finished task becomes what its item puts out. */

/**
 * Fetches the video of a finished task into the item. A file that cannot be had costs the item
 * nothing else: the result is paid, and its link and task ID must come out.
 * @param field the binary field for it; undefined where the file is not wanted
 */
export async function deliver(
	run: NodeRun,
	task: KlingTask,
	field: string | undefined,
): Promise<TaskOutcome> {
	if (field === undefined) return withLinkOnly(run, task);
	const attempt = await download(run, task);
	return await outcomeOf(run, attempt, field);
}

/** One attempt at a delivery: the item's outcome, or how to go on with the next attempt. */
export type Delivery =
	| { is: 'done'; outcome: TaskOutcome }
	| { is: 'later'; task: KlingTask; pause: number; attempts: Attempts; reason: string };

/**
 * The same, without waiting: for a wait that sleeps between two attempts.
 * @param attempts as the attempt before has told; left out for the first
 */
export async function attemptDelivery(
	run: NodeRun,
	task: KlingTask,
	field: string | undefined,
	attempts?: Attempts,
): Promise<Delivery> {
	if (field === undefined) return { is: 'done', outcome: withLinkOnly(run, task) };
	const attempt = await attemptDownload(run, task, attempts);
	if (attempt.is === 'later') return attempt;
	return { is: 'done', outcome: await outcomeOf(run, attempt, field) };
}

/**
 * Fetches the file where nothing else is wanted.
 * @returns the item's outcome, or the error where there is no file
 */
export async function fetchFile(
	run: NodeRun,
	task: KlingTask,
	field: string,
): Promise<TaskOutcome | DownloadFailed> {
	const attempt = await download(run, task);
	return attempt.is === 'failed' ? attempt.error : await withFile(run, attempt, field);
}

async function outcomeOf(
	run: NodeRun,
	attempt: Exclude<Attempt, { is: 'later' }>,
	field: string,
): Promise<TaskOutcome> {
	if (attempt.is === 'done') return await withFile(run, attempt, field);
	const { message, advice } = attempt.error;
	run.hint(`${message}. ${advice}`);
	return { task: attempt.task };
}

async function withFile(
	run: NodeRun,
	{ task, data }: Extract<Attempt, { is: 'done' }>,
	field: string,
): Promise<TaskOutcome> {
	return { task, file: { field, data }, media: await factsOf(run, data) };
}

/** A link that is not used at once is worth little when it ends soon. */
const SOON_MS = 15 * 60_000;

function withLinkOnly(run: NodeRun, task: KlingTask): TaskOutcome {
	const expiry = task.videoUrls[0] && linkExpiry(task.videoUrls[0]);
	if (expiry && Date.parse(expiry) - run.clock.now() <= SOON_MS) {
		run.hint(
			`The link to the video of task ${task.taskId} works until ${expiry} only. Turn Download Video on to keep the file, or use Kling Task Status for a fresh link`,
		);
	}
	return { task };
}

/** The facts of the finished video, read from the head of the stored file. */
async function factsOf({ context }: NodeRun, data: IBinaryData): Promise<VideoFacts | undefined> {
	const source = await storedSource(context.helpers, data);
	if (isFault(source)) return undefined;
	const found = await readVideo(source);
	return isFault(found) ? undefined : found;
}
