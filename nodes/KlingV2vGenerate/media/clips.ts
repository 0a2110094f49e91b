import type { IExecuteFunctions } from 'n8n-workflow';
import { binarySource } from '../../shared/media/binarySource';
import type { StreamedSource } from '../../shared/media/binarySource';
import type { MediaFault } from '../../shared/media/fault';
import { isFault } from '../../shared/media/fault';
import type { Media, Part } from '../../shared/media/media';
import { bufferSource } from '../../shared/media/source';
import { decode, mediaIn } from '../../shared/media/media';
import type { NodeRun } from '../../shared/n8n/nodeRun';
import { mediaToJson } from '../../shared/n8n/output';
import { costOf } from '../request/cost';
import type { ItemRequest } from '../request/itemRequest';
import type { Cut } from './cut/planCut';
import { planCut } from './cut/planCut';
import { httpSource } from './httpSource';
import { linkAdvice } from './linkAdvice';
import { clipHints, mediaHints, videoProblems } from './limits';

type Run = NodeRun<IExecuteFunctions>;

/** A part of a file, and where its bytes come from. */
export interface PlannedClip {
	cut: Cut;
	source: StreamedSource;
}

/** The parts of reference videos that a run uses. The same part of the same file is planned once. */
export class Clips {
	private readonly planned = new Map<string, Promise<PlannedClip | MediaFault>>();

	constructor(private readonly run: Run) {}

	/** Finds out which file a part would be; only the source's index is read for that. */
	async plan(item: number, media: Media, part: Part): Promise<PlannedClip | MediaFault> {
		const key = JSON.stringify('url' in media.origin ? media : [item, media]);
		const known = this.planned.get(key) ?? this.planNow(item, media, part);
		this.planned.set(key, known);
		return await known;
	}

	/**
	 * Plans the part that an item wants, and notes it in the item.
	 * @returns a sentence for everything that keeps the part from being used
	 */
	async planFor(request: ItemRequest): Promise<string[]> {
		const { item, options } = request;
		const problems: string[] = [];
		for (const media of mediaIn(request.request.body)) {
			if (!media.part) continue;
			const { label } = media;
			const planned = await this.plan(item, media, media.part);
			if (isFault(planned)) {
				problems.push(clipProblem(media, planned));
				continue;
			}
			const { cut } = planned;
			note(request, cut);
			if (!options.checkMedia) continue;
			problems.push(...videoProblems(label, cut.facts));
			const hints = [...mediaHints(label, cut.facts), ...clipHints(label, cut)];
			for (const hint of hints) this.run.hint(hint, 'info');
		}
		return problems;
	}

	private async planNow(item: number, media: Media, part: Part) {
		const source = await openSource(this.run, item, media);
		if (isFault(source)) return source;
		const cut = await planCut(source, part);
		return isFault(cut) ? cut : { cut, source };
	}
}

/**
 * @param isForbidden whether the file may not be at a host; n8n itself may fetch from any
 * @returns where the bytes of a file come from, or why there are none
 */
export async function openSource(
	{ context, signal }: Run,
	item: number,
	{ origin }: Media,
	isForbidden?: (hostname: string) => boolean,
): Promise<StreamedSource | MediaFault> {
	if ('base64' in origin) return bufferSource(decode(origin.base64).bytes);
	if ('url' in origin) return httpSource(context, origin.url, signal, isForbidden);
	return await binarySource(context, item, origin.file ?? origin.field);
}

/** A part that is shorter than was asked for also costs less. */
function note(request: ItemRequest, { start, facts }: Cut): void {
	const { options } = request;
	const { provider, body, endpoint } = request.request;
	request.clip = { start: Math.round(start * 1000) / 1000, ...mediaToJson(facts) };
	const seconds = provider.seconds(body, endpoint, facts.duration);
	request.seconds = Math.min(request.seconds, seconds);
	request.estimatedCost = costOf(request.seconds, options.pricePerSecond);
}

function clipProblem({ label, origin }: Media, found: MediaFault): string {
	const { fault, reason, isLinkWrong } = found;
	const advice = isLinkWrong && 'url' in origin ? `: ${linkAdvice(origin.url, 'video')}` : '';
	return fault === 'wrong'
		? `${label}: no part can be cut out: the file ${reason}${advice}`
		: `${label}: no part can be cut out: ${reason}. Without Clip Start and Clip Length, the whole file is used`;
}
