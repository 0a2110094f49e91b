import type { IBinaryData, IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { VideoFacts } from '../media/video';
import { taskToJson } from '../task';
import type { KlingTask } from '../task';

/** A task as far as it got. */
export interface TaskOutcome {
	task: KlingTask;
	timedOut?: boolean;
	file?: { field: string; data: IBinaryData };
	/** Facts about the file, where it could be read. */
	media?: VideoFacts;
}

/** Fields of an item beside those of its task. */
export interface Extras {
	/** The input item's JSON, below all else. */
	input?: IDataObject;
	estimatedCost?: number;
	/** The part of the reference video that is sent, where not all of it is. */
	clip?: IDataObject;
}

/** The outcome of an input item: a task as far as it got, or the request that would make one. */
export type Outcome = Extras &
	(
		| TaskOutcome
		| { preview: IDataObject }
		/** An item that is ready as it is. */
		| { ready: INodeExecutionData }
	);

/** Fields that only some items have: one of the input would be taken for our own, and `error` for a failed item's. */
const SOMETIMES = ['clip', 'error', 'estimatedCost', 'failure', 'media', 'timedOut'];

/** @param isTool an AI agent reads it, and wants a sentence that says what to do next */
export function itemOf(outcome: Outcome, item: number, isTool: boolean): INodeExecutionData {
	const pairedItem = { item };
	if ('ready' in outcome) return outcome.ready;
	const { input = {}, estimatedCost, clip } = outcome;
	const told = {
		...(estimatedCost === undefined ? {} : { estimatedCost }),
		...(clip === undefined ? {} : { clip }),
	};
	const below = Object.fromEntries(
		Object.entries(input).filter(([name]) => !SOMETIMES.includes(name)),
	);
	if ('preview' in outcome) return { json: { ...below, ...outcome.preview, ...told }, pairedItem };
	const { task, timedOut, file, media } = outcome;
	return {
		json: {
			...below,
			...taskToJson(task, timedOut),
			...told,
			...(media ? { media: mediaToJson(media) } : {}),
			...(isTool ? { message: sentence(task) } : {}),
		},
		...(file ? { binary: { [file.field]: file.data } } : {}),
		pairedItem,
	};
}

/** Pixels, seconds, frames a second, the codec's code in the file, and bytes. */
export function mediaToJson({
	width,
	height,
	duration,
	frameRate,
	codec,
	size,
}: VideoFacts): IDataObject {
	return { width, height, duration, frameRate, codec, size };
}

function sentence({ taskId, provider, endpoint, status, videoUrls }: KlingTask): string {
	const name = `Kling task ${taskId} (provider ${provider}, endpoint ${endpoint})`;
	if (status === 'completed') return `${name} is completed. The video: ${videoUrls[0]}`;
	if (status === 'failed') return `${name} has failed. Making it again costs again.`;
	return `${name} is ${status}. It takes minutes: ask for its status later, and do not create it again.`;
}
