import type { IBinaryData } from 'n8n-workflow';
import { download } from './download';
import { DownloadFailed } from '../errors';
import type { TaskOutcome } from '../n8n/output';
import { storedSource } from '../media/binarySource';
import { isFault } from '../media/fault';
import { readVideo } from '../media/video';
import type { VideoFacts } from '../media/video';
import type { NodeRun } from '../n8n/nodeRun';
import { linkExpiry } from '../task';
import type { KlingTask } from '../task';
import { look } from '../wait/look';

/**
 * Fetches the video of a finished task into the item. A file that cannot be had costs the item
 * nothing else: the result is paid, and its link and task id must come out.
 * @param field the binary field for it; undefined where the file is not wanted
 */
export async function deliver(
	session: NodeRun,
	task: KlingTask,
	field: string | undefined,
): Promise<TaskOutcome> {
	if (field === undefined) {
		warnOfExpiry(session, task);
		return { task };
	}
	const outcome = await fetchFile(session, task, field);
	if (!(outcome instanceof DownloadFailed)) return outcome;
	session.hint(`${outcome.message}. ${outcome.advice}`);
	return { task };
}

/** A link that is not used at once is worth little when it ends soon. */
const SOON_MS = 15 * 60_000;

function warnOfExpiry(session: NodeRun, task: KlingTask): void {
	const expiry = task.videoUrls[0] && linkExpiry(task.videoUrls[0]);
	if (!expiry || Date.parse(expiry) - session.clock.now() > SOON_MS) return;
	session.hint(
		`The link to the video of task ${task.taskId} works until ${expiry} only. Turn Download Video on to keep the file, or use Kling Task Status for a fresh link`,
	);
}

/** The same for who wants nothing but the file. */
export async function fetchFile(
	session: NodeRun,
	task: KlingTask,
	field: string,
): Promise<TaskOutcome | DownloadFailed> {
	let current = task;
	const data = await download(session, task, async () => {
		current = (await look(session, task)).task ?? current;
		return current;
	});
	if (data instanceof DownloadFailed) return data;
	const media = await factsOf(session, data);
	return { task: current, file: { field, data }, media };
}

/** What the finished video is, read from the head of the stored file. */
async function factsOf({ context }: NodeRun, data: IBinaryData): Promise<VideoFacts | undefined> {
	const source = await storedSource(context.helpers, data);
	if (isFault(source)) return undefined;
	const found = await readVideo(source);
	return isFault(found) ? undefined : found;
}
