import { DownloadFailed, KlingError } from '../../shared/errors';
import { providers } from '../../shared/providers';
import { fetchFile } from '../../shared/result/deliver';
import { isFinished } from '../../shared/task';
import type { TaskRef } from '../../shared/task';
import { expectVideo, lookUp } from '../../shared/wait/look';
import type { Perform } from './perform';

/** The task is there and still at work, where a finished one is needed. */
class NotFinished extends KlingError {}

/** Fetches the file of a finished task. */
export const download: Perform = async (run, { ref, binaryField }) => {
	const task = await lookUp(run, ref as TaskRef);
	if (!isFinished(task)) {
		throw new NotFinished(
			`The video is not finished yet: ${providers[task.provider].label} says ${task.providerStatus}. Task ${task.taskId}`,
			'Use the operation Wait, which downloads the video as soon as it is there, or try again later.',
			{ ...(ref as TaskRef), status: task.status, reason: task.providerStatus, retryable: true },
		);
	}
	expectVideo(task);
	const outcome = await fetchFile(run, task, binaryField as string);
	if (outcome instanceof DownloadFailed) throw outcome;
	return outcome;
};
