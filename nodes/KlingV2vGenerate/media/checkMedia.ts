import { InvalidInput } from '../../shared/errors';
import { keepOrThrow } from '../../shared/n8n/runItems';
import type { FailedItem } from '../../shared/n8n/runItems';
import { placeOf } from '../request/itemRequest';
import type { ItemRequest } from '../request/itemRequest';
import { isPrivateHost } from '../../shared/util/privateHost';
import type { GenerateRun, RunItem } from '../generateRun';
import { ConcurrencyLimit } from '../../shared/util/concurrencyLimit';
import { readAccount } from '../../shared/http/credential';
import { binarySource } from '../../shared/media/binarySource';
import { isFault } from '../../shared/media/fault';
import type { MediaFault } from '../../shared/media/fault';
import { httpSource } from './httpSource';
import { readImage } from './image';
import type { ImageFacts } from './image';
import { provideProblem } from '../submit/provideMedia';
import { imageProblems, mediaHints, videoProblems } from './limits';
import { decode, mediaIn } from '../../shared/media/media';
import type { Media } from '../../shared/media/media';
import { readVideo } from '../../shared/media/video';
import type { VideoFacts } from '../../shared/media/video';

type Found = VideoFacts | ImageFacts | MediaFault;

/** Files that are looked at at a time. */
const AT_ONCE = 4;

/**
 * Looks, before anything is paid, at what the parameters only name: whether the provider can call
 * back, whether it can have the files, and whether these are as documented. An item whose task an
 * earlier try has created is past that.
 * @returns the entries in their order, with what is wrong in place of the jobs that cannot work
 */
export async function checkMedia(run: GenerateRun, entries: RunItem[]): Promise<RunItem[]> {
	// The first turn has checked all of them.
	if (run.record.isResumed) return entries;
	const turns = new ConcurrencyLimit(AT_ONCE);
	const seen = new Map<string, Promise<Found>>();
	const checked = entries.map(async (entry) => {
		if (!('request' in entry) || run.ledger.find(entry.request)) return entry;
		return await turns.run(async (): Promise<ItemRequest | FailedItem> => {
			try {
				const problems = await problemsOf(run, entry, seen);
				if (problems.length === 0) return entry;
				return { item: entry.item, fault: new InvalidInput(problems, placeOf(entry)) };
			} catch (fault) {
				return { item: entry.item, fault };
			}
		});
	});
	const results = await Promise.all(checked);
	return results.map((entry) => ('fault' in entry ? keepOrThrow(run.context, entry, run) : entry));
}

async function problemsOf(
	run: GenerateRun,
	{ request, options }: ItemRequest,
	seen: Map<string, Promise<Found>>,
): Promise<string[]> {
	const { context } = run;
	const { provider, item, callbackUrl } = request;
	const { base } = await readAccount(context, provider);
	const apiHost = new URL(base).hostname;
	const problems: string[] = [];
	if (callbackUrl !== undefined) {
		const { host, hostname } = new URL(callbackUrl);
		if (isPrivateHost(hostname) && !isPrivateHost(apiHost)) {
			problems.push(
				`${provider.label} cannot call n8n back at ${host}, which is no public address: set n8n's environment variable WEBHOOK_URL to its public address, or choose Wait Until Done`,
			);
		}
	}
	for (const media of mediaIn(request.body)) {
		const cannotLend = provideProblem(context, request, media, apiHost);
		if (cannotLend) problems.push(cannotLend);
		if (!options.checkMedia) continue;
		const found = await lookOnce(run, item, media, seen);
		problems.push(
			...(media.kind === 'video'
				? videoProblems(media.label, found as VideoFacts | MediaFault)
				: imageProblems(media.label, found as ImageFacts | MediaFault, {
						ratio: provider.limitsImageRatio,
					})),
		);
		for (const hint of mediaHints(media.label, found)) run.hint(hint, 'info');
	}
	return problems;
}

/** The same file for many items is looked at once. */
async function lookOnce(
	run: GenerateRun,
	item: number,
	media: Media,
	seen: Map<string, Promise<Found>>,
): Promise<Found> {
	const { origin, kind } = media;
	if (!('url' in origin)) return await lookAt(run, item, media);
	const key = `${kind} ${origin.url}`;
	const known = seen.get(key) ?? lookAt(run, item, media);
	seen.set(key, known);
	return await known;
}

async function lookAt(run: GenerateRun, item: number, { origin, kind }: Media): Promise<Found> {
	const { context, signal } = run;
	if ('base64' in origin) return await readImage(decode(origin.base64).bytes);
	const source =
		'url' in origin
			? httpSource(context, origin.url, signal)
			: await binarySource(context, item, origin.field);
	if (isFault(source)) return source;
	return kind === 'video' ? await readVideo(source) : await readImage(source);
}
