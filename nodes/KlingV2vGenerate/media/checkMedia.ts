import { InvalidInput } from '../../shared/errors';
import { keepOrThrow } from '../../shared/n8n/runItems';
import { placeOf } from '../request/itemRequest';
import type { Clip, ItemRequest } from '../request/itemRequest';
import type { GenerateRun, RunItem } from '../generateRun';
import { ConcurrencyLimit } from '../../shared/util/concurrencyLimit';
import { hostsOutOfReach } from '../../shared/http/reach';
import { isFault } from '../../shared/media/fault';
import type { MediaFault } from '../../shared/media/fault';
import { openSource } from './clips';
import { readImage } from './image';
import type { ImageFacts } from './image';
import { handOver, linkAdvice } from './linkAdvice';
import { imageProblems, mediaHints, unverifiedProblems, videoProblems } from './limits';
import { reachProblems } from './reachability';
import { mediaIn } from '../../shared/media/media';
import type { Media, Part } from '../../shared/media/media';
import { readVideo } from '../../shared/media/video';
import type { VideoFacts } from '../../shared/media/video';
import type { Provider } from '../../shared/providers';
import { linkExpiry } from '../../shared/util/linkExpiry';
import { timing } from '../../shared/timing';

type Found = VideoFacts | ImageFacts | MediaFault;

/** Files that are looked at at a time. */
const AT_ONCE = 4;

/**
 * Looks, before anything is paid, at what the parameters only name: whether the provider can have everything, and
 * whether the files are as documented. What can be told without a request is told first, of all items. An item
 * whose task an earlier try has created is past that.
 * @returns the entries in their order, with what is wrong in place of the items that cannot work
 */
export async function checkMedia(run: GenerateRun, entries: RunItem[]): Promise<RunItem[]> {
	// The first turn has checked all of them.
	if (run.record.isResumed) return entries;
	const turns = new ConcurrencyLimit(AT_ONCE);
	const seen = new Map<string, Promise<Found>>();
	const possible = await judge(run, entries, async (item) => [
		...(await reachProblems(run.context, item.request)),
		...expiryProblems(run, item),
	]);
	const judged = await judge(
		run,
		possible,
		async (item) =>
			await turns.run(async () => [
				...(await fileProblems(run, item, seen)),
				...(await run.clips.planFor(item)),
			]),
	);
	tellOfClips(run, judged);
	return judged;
}

/**
 * Looks at the files of one item again where it has waited since: a link may have run out, or the file may be gone.
 * @returns what is wrong with them, a sentence each
 */
export async function checkAgain(run: GenerateRun, item: ItemRequest): Promise<string[]> {
	const expired = expiryProblems(run, item);
	return expired.length > 0 ? expired : await fileProblems(run, item, new Map());
}

/** @returns the entries, with a fault in place of each item that has problems */
async function judge(
	run: GenerateRun,
	entries: RunItem[],
	problemsOf: (item: ItemRequest) => Promise<string[]>,
): Promise<RunItem[]> {
	const judged = entries.map(async (entry): Promise<RunItem> => {
		if (!('request' in entry) || run.ledger.find(entry.request)) return entry;
		try {
			const problems = await problemsOf(entry);
			// A task that may be paid is told of first, whatever has become of its files.
			if (problems.length === 0 || (await run.wasSent(entry))) return entry;
			return { item: entry.item, fault: new InvalidInput(problems, placeOf(entry)) };
		} catch (fault) {
			return { item: entry.item, fault };
		}
	});
	return (await Promise.all(judged)).map((entry) =>
		'fault' in entry ? keepOrThrow(run.context, entry, run) : entry,
	);
}

/** Signed links tell when they run out; the provider fetches the file some time after its task is created. */
function expiryProblems(run: GenerateRun, { request, options }: ItemRequest): string[] {
	if (!options.checkMedia) return [];
	return mediaIn(request.body).flatMap(({ label, origin, kind, part }) => {
		// A part is taken out by n8n itself, and at once.
		const expiry = 'url' in origin && !part ? linkExpiry(origin.url) : null;
		if (expiry === null || !('url' in origin)) return [];
		const left = Date.parse(expiry) - run.clock.now();
		if (left <= 0) {
			return [
				`${label}: the link worked until ${expiry} only: make it just before this node, ${handOver(kind)}`,
			];
		}
		if (left < timing.media.shortLink) {
			run.hint(
				`${label}: the link works until ${expiry} only, and the provider may fetch it later: make it last longer, ${handOver(kind)}`,
			);
		}
		return [];
	});
}

async function fileProblems(
	run: GenerateRun,
	{ request: { provider, item, body }, options }: ItemRequest,
	seen: Map<string, Promise<Found>>,
): Promise<string[]> {
	if (!options.checkMedia) return [];
	const problems: string[] = [];
	for (const media of mediaIn(body)) {
		// Of a part, the part is looked at.
		if (media.part) continue;
		const found = await lookOnce(run, { provider, item, media }, seen);
		const isRefused = isFault(found) && options.unverifiedMedia === 'refuse';
		const own = [
			...(media.kind === 'video'
				? videoProblems(media.label, found as VideoFacts | MediaFault, provider.longestReference)
				: imageProblems(media.label, found as ImageFacts | MediaFault, {
						ratio: provider.limitsImageRatio,
					})),
			...(isRefused ? unverifiedProblems(media.label, found) : []),
		];
		problems.push(...own.map((problem) => problem + adviceOn(media, found)));
		if (!isRefused) for (const hint of mediaHints(media.label, found)) run.hint(hint, 'info');
	}
	return problems;
}

/** @returns the advice for a link that gives no file, to follow the problem; empty where the link is not to blame */
function adviceOn({ origin, kind }: Media, found: Found): string {
	if (!('url' in origin) || !isFault(found) || !found.isLinkWrong) return '';
	const onlyHere = found.isRefused ? ' (if it does so to n8n only, turn Check Media off)' : '';
	return `${onlyHere}: ${linkAdvice(origin.url, kind)}`;
}

/** A hint says what is cut out; of many items, each says so itself. */
function tellOfClips(run: GenerateRun, items: RunItem[]): void {
	const cut = items.filter(
		(item): item is ItemRequest => 'request' in item && item.clip !== undefined,
	);
	if (cut.length > 1) {
		const message = `Of ${cut.length} reference videos only a part is used: "clip" in each item says which`;
		run.hint(message, 'info');
	} else for (const { clip, options } of cut) run.hint(usedPart(clip, options.part), 'info');
}

function usedPart(clip?: Clip, asked?: Part): string {
	const show = (seconds: unknown) => Number(Number(seconds).toFixed(3));
	return `Of the reference video, ${show(clip?.duration)} s from ${show(clip?.start)} s on are used (asked for: ${asked?.length} s from ${asked?.start} s on)`;
}

interface File {
	/** The provider fetches the file once its task is created. */
	provider: Provider;
	item: number;
	media: Media;
}

/** The same file for many items is looked at once. */
async function lookOnce(
	run: GenerateRun,
	file: File,
	seen: Map<string, Promise<Found>>,
): Promise<Found> {
	const { origin, kind } = file.media;
	if (!('url' in origin)) return await lookAt(run, file);
	const key = `${file.provider.name} ${kind} ${origin.url}`;
	const known = seen.get(key) ?? lookAt(run, file);
	seen.set(key, known);
	return await known;
}

async function lookAt(run: GenerateRun, { provider, item, media }: File): Promise<Found> {
	const isForbidden = await hostsOutOfReach(run.context, provider);
	const source = await openSource(run, item, media, isForbidden);
	if (isFault(source)) return source;
	return media.kind === 'video' ? await readVideo(source) : await readImage(source);
}
