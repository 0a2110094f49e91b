import { hadNoRoom } from './providers/kling';
import type { EndpointName, KlingTask, ProviderName, TaskRef } from './task';
import { gaveNoReason, refOf } from './task';

/** The details of a failed item: a workflow can branch on them, and a task can be found again. */
export interface ErrorDetails {
	provider?: ProviderName;
	endpoint?: EndpointName;
	taskId?: string;
	status?: string;
	reason?: string;
	httpStatus?: number;
	/** Whether the same input may succeed later without paying for a task that already exists. */
	retryable?: boolean;
	/** Tasks that may belong to a request whose answer was lost. */
	possibleTaskIds?: string[];
}

/** Every error of this package: what happened, what to do, and which task it is about. */
export class KlingError extends Error {
	constructor(
		message: string,
		/** The next step for the user. */
		readonly advice: string,
		readonly details: ErrorDetails,
	) {
		super(message);
		this.name = new.target.name;
	}
}

/** The parameters are wrong; nothing was sent. */
export class InvalidInput extends KlingError {
	/** @param place what the parameters are about, as far as it could be read */
	constructor(
		readonly problems: string[],
		place: Partial<TaskRef> = {},
	) {
		super(
			problems.join('; '),
			'Nothing was sent and nothing was billed. Correct the fields named above and run again.',
			{ ...place, reason: problems.join('; '), retryable: false },
		);
	}
}

/** The provider answered a request to create a task with a refusal: no task exists. */
export class Refused extends KlingError {}

/** No byte of the request left this machine: no task exists. */
export class NotReached extends KlingError {}

/** A request to create a task was sent, and its answer was lost: a task may exist and be billed. */
export class MaybeCreated extends KlingError {}

const REQUEST_ADVICE =
	'Change the prompt or the reference video and run again, or ask the provider about this task ID.';

const ROOM_ADVICE =
	'Too many tasks of this account were under way. Run this item again later, or lower Max Concurrent Tasks in the options.';

/** Providers fetch the reference video themselves, and a link that they cannot open is a common cause. */
const LINK_ADVICE =
	'The provider could perhaps not fetch the link: hand the file over (Reference Video: Binary File) and run again, or ask the provider about this task ID.';

/** The provider gave the task up. */
export class TaskFailed extends KlingError {
	constructor(
		readonly task: KlingTask,
		label: string,
	) {
		const unexplained = gaveNoReason(label);
		const { code, reason } = task.failure ?? { reason: unexplained };
		const isCodeNew = code !== undefined && reason !== `error code ${code}`;
		const hadRoom = !hadNoRoom({ code, reason });
		const cause = reason === unexplained ? LINK_ADVICE : REQUEST_ADVICE;
		super(
			`${label} could not make the video: ${reason}${isCodeNew ? ` (code ${code})` : ''}. Task ${task.taskId}`,
			`${hadRoom ? cause : ROOM_ADVICE} Running again makes a new task.`,
			{ ...refOf(task), status: 'failed', reason, retryable: !hadRoom },
		);
	}
}

/** The provider does not show a task that was created, or not to this key. */
export class TaskUnavailable extends KlingError {
	constructor(ref: TaskRef, message: string, advice: string, httpStatus?: number) {
		super(`${message}. Task ${ref.taskId}`, advice, {
			...refOf(ref),
			reason: message,
			httpStatus,
			retryable: true,
		});
	}
}

/** The video exists, and its file could not be fetched. */
export class DownloadFailed extends KlingError {
	constructor(ref: TaskRef, reason: string, httpStatus?: number) {
		super(
			`The video of task ${ref.taskId} could not be downloaded: ${reason}`,
			'The task is finished and paid. Use Kling Task Status with the operation Download and this task ID to fetch the file again.',
			{ ...refOf(ref), status: 'completed', reason, httpStatus, retryable: true },
		);
	}
}
